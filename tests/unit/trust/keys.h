// SPDX-License-Identifier: Apache-2.0
// Owns fixed key pairs for tests that need no openssl program. They were made for this file and protect nothing.
#pragma once

#include <string_view>

namespace hagent::trust::keys {

inline constexpr std::string_view k_ec_a_private = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgY/ZRSggh5yg4ilJg
GrD8V73ucOTILXzCA978tBwMW/qhRANCAATgthPvkZljDqKsF/iHmULl4mR+9F2z
CKso7LieGOlW2x8dDrqyyZbiA6tKMr3WmZzx3aQQ/FmOmMbwzkc+nMZ4
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view k_ec_a_public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4LYT75GZYw6irBf4h5lC5eJkfvRd
swirKOy4nhjpVtsfHQ66ssmW4gOrSjK91pmc8d2kEPxZjpjG8M5HPpzGeA==
-----END PUBLIC KEY-----
)";
inline constexpr std::string_view k_ec_b_private = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5CIHzoJ0SYHXqqjw
hsAIY+qvfhBqzqeAXBZFnbybGQihRANCAAR1dj8VpYDYCj1fDy+D+ysOQ7Uc15Jf
0wkJneZsdYkNg1+QZf4JJHwTejJXO9oZd6K0Or7t0f1J9lGPog1fUD78
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view k_ec_b_public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdXY/FaWA2Ao9Xw8vg/srDkO1HNeS
X9MJCZ3mbHWJDYNfkGX+CSR8E3oyVzvaGXeitDq+7dH9SfZRj6INX1A+/A==
-----END PUBLIC KEY-----
)";
inline constexpr std::string_view k_rsa_private = R"(-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC/cTRohvqsG9jI
ecYwvEcmGqK+6XPZaH2Bsoul8D1Wi/2BoNEwDhRbpsNYc+TYhnSsJHLP7fHz62uz
aDcNI/h6BD8xGc5TrgxYit2hfui1YLqnHceb1zqklstcKXpiGXgVmhngMk9siLed
GyGLXfhXmwmCraGHyLTuBneFwio+k4iytVYwX2YWsq0c7s9WPXGXyMbbEL4Ye8kV
Fg/oki8NqaZhXjar24/1iUJMNcz4chTkrbWJobIEHx4vtQn/Ys6CAPowspPXrFLl
Rle9RlMwXPrg5ueMaEmoE4OgzRMtnAigor934nvbeXPJwN3zeoXUaPvpxj7+tcho
7ClubZR/AgMBAAECggEARQX+3FUWWilsHtPxBi9MA8wEs4qeT1uiLLoAKaMVqnes
vikKYyYgZu8YbXLTptHLjSlTD+79lnFiEnxXpPA8LVoMoppoTrlpEB95Sznjk0m9
4nUVO/X82czYo3D9BBOkvT0jaTcadcpRUV6v2HzYBlYKtsf9fmR5/3vrahmYe5i7
jlJvk/OUdWH90d3isipJUJtrygAaSOuZ1c2h/VNbDf8oWcDgrGXtYesNBjXIi4Pt
vOAZwTSxazpNOl10Avdgw9d2/NdwxYzoYWhCfu6o/RehCs0igu2pn9jaJxJLjiTK
Zfq0X1z+8HlbPLHvqGEHPsYD0uhZ7zHPvq7+emSISQKBgQDzSrcJLfqI54cQvKv0
XoeUr/HAOwuCThWSO6cOs+LKs1Da1JMzmmig27xixQy3ymS6BM30H0JnVTf6zueF
a5gaQC1J7eGnzBDdWpS/o1d4TWQCjVwMAmKa4vRq61KDN9906XVgUINKa+uWny56
hJLLNf5p0EHXO+FEaNTqnGiMowKBgQDJcSi9PzRPz1ZkhwzzCmC5Fs8O+UBq2pj5
kSowP4P5uC3YRS1F5qiN9qkT6IHhzReffUCo/fX/reX5WGNcYMqQ8j9kgV4o/5Lx
uuufdKKB9m9PV24RX5J3ZunV+3OfJ8wmkGPPOLEQPuUSMumI0YVerrJ7NT1pL2xr
/I0FiTxadQKBgEsAwaTG0/HYzr7OK4TOj6W7CCBnE4k8YVIPqdTSiBxNY6PS3P6P
n6nXlCAu91jBwIPIb2XPLT2F/BgKKT3siZuuJUghWevM8XYMMsdRp+miki5nPfVF
1vhA93Du0yU42F7GijUDHTaYRqzMrht/O3ICV0hvt5yPDUd1ug4J4gFZAoGAbnBF
n4t5SJApky+fX9e+s3rXxiPMt0hlOd3mPVF1L4FUUQ+MBJiyrDIg/DMqkfr5Co2G
1590MNrMDGny/4BpThIhwx5R2zRTAYgzCdbOCWZsHBmY1JmLGT8o0BHtj8In4LSk
o8U2/esdd17GPiZwcjpgy7+ijXpcfM+XGQPmPMkCgYBvQ/QvUlbUeeQPAYROpHYx
MFns3Xh8koeXYGHHEB+AAjAdaHzvXaaObfh80AxhwSx5JfN1adW82VopKWaT3sRd
7Z8X3Rc534Lj/sQ4sWOnpW8AyMKleb3bsO041yRvO10RTltyFW6u5q8IZOoqXraN
idTIxdyOeQHG+609lrUOrQ==
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view k_rsa_public = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv3E0aIb6rBvYyHnGMLxH
Jhqivulz2Wh9gbKLpfA9Vov9gaDRMA4UW6bDWHPk2IZ0rCRyz+3x8+trs2g3DSP4
egQ/MRnOU64MWIrdoX7otWC6px3Hm9c6pJbLXCl6Yhl4FZoZ4DJPbIi3nRshi134
V5sJgq2hh8i07gZ3hcIqPpOIsrVWMF9mFrKtHO7PVj1xl8jG2xC+GHvJFRYP6JIv
DammYV42q9uP9YlCTDXM+HIU5K21iaGyBB8eL7UJ/2LOggD6MLKT16xS5UZXvUZT
MFz64ObnjGhJqBODoM0TLZwIoKK/d+J723lzycDd83qF1Gj76cY+/rXIaOwpbm2U
fwIDAQAB
-----END PUBLIC KEY-----
)";

}  // namespace hagent::trust::keys
