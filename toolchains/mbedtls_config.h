// SPDX-License-Identifier: Apache-2.0
// The whole configuration of mbedTLS for hagent: what is not listed here is not in the binary.
// It replaces the library's own mbedtls/mbedtls_config.h in the builder's copy of the sources, so that the library, libcurl
// and the agent all see the same one. Each line carries its reason.
#pragma once

// --- system -------------------------------------------------------------------------------------------------------------
#define MBEDTLS_HAVE_ASM              // faster big numbers and AES on x86
#define MBEDTLS_HAVE_TIME             // session lifetimes
#define MBEDTLS_HAVE_TIME_DATE        // certificates are checked against their validity period
#define MBEDTLS_PLATFORM_C            // memory and time functions; needed by the modules below
#define MBEDTLS_FS_IO                 // libcurl loads ca_file and client certificates by file name
#define MBEDTLS_ENTROPY_C             // seeds the random generator from the operating system
#define MBEDTLS_CTR_DRBG_C            // random generator of TLS and of libcurl
#define MBEDTLS_HMAC_DRBG_C           // needed by ECDSA_DETERMINISTIC
#define MBEDTLS_THREADING_C           // loop and worker use TLS 1.3, and with it the PSA key store, at the same time
#define MBEDTLS_THREADING_PTHREAD     // pthreads exist on every target (winpthreads on Windows)
#define MBEDTLS_VERSION_C             // `hagent version` and libcurl tell the library's version
#define MBEDTLS_DEPRECATED_REMOVED    // old interfaces cost bytes and are not used

// --- ciphers ------------------------------------------------------------------------------------------------------------
#define MBEDTLS_CIPHER_C              // needed by TLS
#define MBEDTLS_AES_C                 // AES-GCM suites; random generator
#define MBEDTLS_AESNI_C               // used where the processor has it (asked at run time)
#define MBEDTLS_AES_ROM_TABLES        // constant tables: no tables built in memory on first use by two threads
#define MBEDTLS_AES_FEWER_TABLES      // 6 KiB less; processors with AES instructions do not use the tables
#define MBEDTLS_GCM_C                 // AES-GCM suites
#define MBEDTLS_CHACHA20_C            // ChaCha20-Poly1305 suites: fast on processors without AES instructions
#define MBEDTLS_POLY1305_C            // as above
#define MBEDTLS_CHACHAPOLY_C          // as above

// --- digests ------------------------------------------------------------------------------------------------------------
#define MBEDTLS_MD_C                  // needed by TLS, X.509 and the streaming digests of downloads
#define MBEDTLS_SHA224_C              // needed by SHA256 where PSA is built
#define MBEDTLS_SHA256_C              // manifests, artifacts, TLS
#define MBEDTLS_SHA384_C              // AES-256-GCM suites, P-384 certificates
#define MBEDTLS_SHA512_C              // certificates; entropy accumulator
#define MBEDTLS_SHA256_SMALLER        // as the next line: what is large is hashed by trust/sha256_kernel.cpp
#define MBEDTLS_SHA512_SMALLER        // speed does not matter here, 2 KiB do
#define MBEDTLS_HKDF_C                // TLS 1.3 key schedule

// --- public keys --------------------------------------------------------------------------------------------------------
#define MBEDTLS_BIGNUM_C              // needed by all below
#define MBEDTLS_OID_C                 // as above
#define MBEDTLS_ASN1_PARSE_C          // keys and certificates
#define MBEDTLS_ASN1_WRITE_C          // signatures, enrolment
#define MBEDTLS_BASE64_C              // PEM
#define MBEDTLS_PEM_PARSE_C           // trusted keys, certificates and `hagent sign` read PEM
#define MBEDTLS_PEM_WRITE_C           // enrolment writes PEM
#define MBEDTLS_PK_C                  // one interface over RSA and EC keys
#define MBEDTLS_PK_PARSE_C            // reads PKCS#1, SEC1, PKCS#8 and public key files
#define MBEDTLS_PK_PARSE_EC_COMPRESSED // public keys that were written with a compressed point
#define MBEDTLS_PK_WRITE_C            // TLS 1.3 needs it; enrolment stores the new key
#define MBEDTLS_RSA_C                 // RSA certificates and signing keys
#define MBEDTLS_PKCS1_V15             // as written by `openssl dgst -sha256 -sign`
#define MBEDTLS_PKCS1_V21             // RSA-PSS, required by TLS 1.3
#define MBEDTLS_ECP_C                 // EC keys
#define MBEDTLS_ECP_NIST_OPTIM        // several times faster on the NIST curves for 2 KiB
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED // the usual curve of signing keys and certificates
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED // certificate authorities use it
#define MBEDTLS_ECP_DP_SECP521R1_ENABLED // certificates of some authorities and servers
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED // key agreement that modern servers prefer
#define MBEDTLS_ECDH_C                // all key agreements
#define MBEDTLS_ECDSA_C               // signatures of manifests and certificates
#define MBEDTLS_ECDSA_DETERMINISTIC   // signing does not depend on the quality of a device's random numbers
#define MBEDTLS_PSA_CRYPTO_C          // TLS 1.3 of this library is written on PSA

// --- certificates -------------------------------------------------------------------------------------------------------
#define MBEDTLS_X509_USE_C            // needed by the reader
#define MBEDTLS_X509_CRT_PARSE_C      // server and client certificates
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT // certificates signed with RSA-PSS
#define MBEDTLS_X509_REMOVE_INFO      // no texts about certificates: the agent has its own
#define MBEDTLS_X509_CREATE_C         // needed by the two writers
#define MBEDTLS_X509_CSR_WRITE_C      // `hagent enrol` asks for a certificate
#define MBEDTLS_X509_CRT_WRITE_C      // self-signed certificate of the listener

// --- TLS ----------------------------------------------------------------------------------------------------------------
#define MBEDTLS_SSL_TLS_C             // TLS
#define MBEDTLS_SSL_CLI_C             // manager and repositories
#define MBEDTLS_SSL_SRV_C             // the agent's own listener
#define MBEDTLS_SSL_PROTO_TLS1_2      // lowest version accepted
#define MBEDTLS_SSL_PROTO_TLS1_3      // preferred version
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE // middle boxes that know only TLS 1.2
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED // TLS 1.3 with certificates
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED // resumed sessions: FTPS servers ask for them
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED // TLS 1.2 with forward secrecy, RSA certificate
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED // TLS 1.2 with forward secrecy, EC certificate
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET // closes a known weakness of TLS 1.2
#define MBEDTLS_SSL_RENEGOTIATION     // libcurl does not compile without it; it stays switched off at run time
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE // libcurl compares pins with the server's certificate
#define MBEDTLS_SSL_ALPN              // libcurl announces http/1.1
#define MBEDTLS_SSL_SERVER_NAME_INDICATION // several names behind one address
#define MBEDTLS_SSL_SESSION_TICKETS   // resumed sessions, see above
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES // the other side learns why a connection was refused
