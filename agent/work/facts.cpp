// SPDX-License-Identifier: Apache-2.0
#include "agent/work/facts.h"

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::work {
/// The product is known under two names, because scripts are written with the vendor in front of it and without.
Facts facts_from(const platform::HostFacts& host, std::vector<std::string> os_codes, std::string image_version) {
    Facts facts;
    facts.os_codes = std::move(os_codes);
    facts.image_version = std::move(image_version);
    if (!host.product.empty()) {
        facts.platforms.push_back(host.product);
        facts.platforms.push_back(std::string(trim(concat({host.vendor, " ", host.product}))));
    }
    facts.user = host.user;
    facts.mac = host.macs.empty() ? "" : host.macs.front();
    facts.ip = host.addresses.empty() ? "" : host.addresses.front();
    facts.hostname = host.hostname;
    facts.serial = host.serial;
    return facts;
}

}  // namespace hagent::work
