// SPDX-License-Identifier: Apache-2.0
#include "agent/image/analysis.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/base/version.h"

namespace hagent::image {

using errors::AgentCode;

namespace {

class Objections {
public:
    Objections(const ImageMember& member, const Place& place, const work::Services& services)
        : member_(member), place_(place), services_(services) {}

    std::vector<TaskResult> all() {
        check_hardware();
        check_version();
        check_health();
        check_hibernation();
        check_boot();
        check_parts();
        return std::move(results_);
    }

private:
    void object(const Error& error) { results_.push_back(error_result(error, AgentCode::image_device_unfit)); }
    void object(AgentCode code, std::initializer_list<TextView> context) { object(error(code, context)); }

    void check_hardware() {
        const auto& own = services_.facts.platforms;
        const auto fits = [&](const std::string& wanted) {
            return std::any_of(own.begin(), own.end(),
                               [&](const std::string& name) { return equal_ignoring_case(name, wanted); });
        };
        if (!member_.platforms.empty() && std::none_of(member_.platforms.begin(), member_.platforms.end(), fits)) {
            object(AgentCode::image_wrong_hardware,
                   {"this is ", own.empty() ? "a device that does not say" : own.back()});
        }
    }

    /// The running system's own word counts before our note of what was written.
    [[nodiscard]] std::string current_version() const {
        if (!services_.facts.image_version.empty()) {
            return services_.facts.image_version;
        }
        const auto notes = load_notes(services_.files, services_.settings.state.images());
        const auto found = notes.ok() ? notes->versions.find(place_.running) : decltype(notes->versions.end()){};
        return notes.ok() && found != notes->versions.end() ? found->second : "";
    }

    void check_version() {
        if (!place_.switches) {
            return;  // nothing follows on what runs
        }
        const std::string current = current_version();
        const auto& least = member_.min_version;
        if (!least.empty() && (current.empty() || compare_versions(current, least) < 0)) {
            object(AgentCode::image_version_refused,
                   {"it needs ", least, ", and ", current.empty() ? "nobody knows what" : current, " runs here"});
        }
        if (!current.empty() && !member_.allow_downgrade && compare_versions(member_.version, current) < 0) {
            object(AgentCode::image_version_refused, {member_.version, " is older than ", current});
        }
    }

    void check_health() {
        for (const auto& argv : services_.settings.image.health) {
            const auto found = services_.processes.find(argv.front(), "/");
            if (place_.switches && !found.ok()) {
                object(AgentCode::image_health_missing, {argv.front()});
            }
        }
    }

    /// The swap space to wake up from may be named on the command line, by its UUID or nowhere that we know of: every
    /// partition is looked at. A file of swap space begins where the command line says.
    void check_hibernation() {
        const std::string line = services_.devices->command_line();
        const auto offset = parse_u64(boot::command_line_value(line, "resume_offset"), UINT32_MAX).value_or(0);
        const std::string named(boot::command_line_value(line, "resume"));
        bool sleeps = named.starts_with('/') && check_sleep(named, offset);
        const std::string folder = "/sys/class/block";
        const auto names = services_.files.list(folder);
        for (const auto& name : names.ok() ? *names : std::vector<std::string>()) {
            const auto part = services_.files.info(concat({folder, "/", name, "/partition"}));
            const bool holds = (part.ok() && *part) || name.starts_with("dm-");
            const std::string path = "/dev/" + name;
            sleeps = sleeps || (holds && (check_sleep(path, 0) || (offset > 0 && check_sleep(path, offset))));
        }
    }

    /// Linux writes its mark at the end of the first page of the swap space that it sleeps in.
    bool check_sleep(const std::string& path, std::uint64_t first_page) {
        constexpr std::size_t k_page = 4096, k_mark = 10;
        const auto device = services_.devices->open(path, platform::Access::read);
        std::array<char, k_mark> mark{};
        if (!device.ok() || !read_fully(**device, (first_page + 1) * k_page - k_mark, mark).ok()) {
            return false;
        }
        const std::string_view text(mark.data(), mark.size());
        const bool sleeps =
            text.starts_with("S1SUSPEND") || text.starts_with("ULSUSPEND") || text.starts_with("LINHIB0001");
        if (sleeps) {
            object(AgentCode::image_hibernated, {path});
        }
        return sleeps;
    }

    void check_boot() {
        if (!place_.switches) {
            return;
        }
        if (const auto checked = boot_of(services_)->check(); !checked.ok()) {
            object(checked.error());
        }
    }

    /// What may be written by no image of the target, under whatever name: the devices of the other slots.
    [[nodiscard]] std::vector<platform::FileId> devices_of_others() const {
        std::vector<platform::FileId> out;
        for (const auto& slot : services_.settings.image.slots) {
            for (const auto& [part, device] : slot.parts) {
                const auto info = services_.devices->info(device);
                if (slot.name != place_.target && info.ok()) {
                    out.push_back(info->id);
                }
            }
        }
        return out;
    }

    /// Where the root lies on no disk that the system knows (an overlay), the slot that runs tells the disk.
    [[nodiscard]] platform::BlockInfo root_info() const {
        const auto root = services_.devices->root_device();
        auto info = root.empty() ? Result<platform::BlockInfo>(platform::BlockInfo()) : services_.devices->info(root);
        const auto* running = services_.settings.image.find(place_.running);
        if ((!info.ok() || info->disk.empty()) && running != nullptr) {
            info = services_.devices->info(running->device());
        }
        return info.ok() ? *info : platform::BlockInfo();
    }

    void check_parts() {
        std::uint64_t chunks = 0;
        std::vector<platform::FileId> seen = devices_of_others();
        const auto root = root_info();
        for (const auto& part : member_.parts) {
            chunks += part.chunk_count();
            const auto* slot = services_.settings.image.find(place_.target);
            const auto device = slot->parts.find(part.name);
            if (device == slot->parts.end()) {
                object(AgentCode::image_no_slot, {"slot ", place_.target, " has no device for the part ", part.name});
                continue;
            }
            const auto info = services_.devices->info(device->second);
            if (!info.ok()) {
                object(info.error());
                continue;
            }
            if (std::find(seen.begin(), seen.end(), info->id) != seen.end() && info->id.known()) {
                object(AgentCode::image_device_unfit, {device->second, " is the device of two parts"});
            }
            seen.push_back(info->id);
            check_device(part, device->second, *info, root);
        }
        if (chunks > limits::k_image_chunks) {
            object(AgentCode::limit_exceeded, {"the image has ", std::to_string(chunks), " chunks; use larger ones"});
        }
    }

    void check_device(const Part& part, const std::string& path, const platform::BlockInfo& info,
                      const platform::BlockInfo& root) {
        if (info.mounted || (root.id.known() && info.block && root.id == info.id)) {
            object(AgentCode::image_slot_in_use, {path, " is mounted or in use"});
        } else if (const auto held = services_.devices->open(path, platform::Access::exclusive); !held.ok()) {
            object(held.error().is(AgentCode::busy) ? error(AgentCode::image_slot_in_use, path) : held.error());
        }
        if (part.raw_bytes > info.bytes) {
            object(AgentCode::image_too_large, {part.name, ": ", std::to_string(part.raw_bytes), " bytes into the ",
                                                std::to_string(info.bytes), " of ", path});
        }
        if (place_.switches && info.block && !root.disk.empty() && !info.disk.empty() && root.disk != info.disk) {
            object(AgentCode::image_device_unfit,
                   {path, " lies on ", info.disk, ", the running system on ", root.disk});
        }
        if (info.block && info.sector_bytes != 0 && part.raw_bytes % info.sector_bytes != 0) {
            object(AgentCode::image_device_unfit, {path, " has sectors of ", std::to_string(info.sector_bytes),
                                                   " bytes, and the image does not end with one"});
        }
    }

    const ImageMember& member_;
    const Place& place_;
    const work::Services& services_;
    std::vector<TaskResult> results_;
};

/// With two slots the other one; where nobody can tell, or there are more, it has to be named.
Result<std::string> other_slot(const config::ImageSettings& image, const std::string& running) {
    std::string found;
    for (const auto& slot : image.slots) {
        if (slot.name == running) {
            continue;
        }
        if (!found.empty()) {
            return error(AgentCode::image_no_slot, "there are several; name one with --slot");
        }
        found = slot.name;
    }
    return found.empty() ? Result<std::string>(error(AgentCode::image_no_slot, "there is none beside the running one"))
                         : Result<std::string>(found);
}

}  // namespace

std::string package_key(const trust::Manifest& manifest) {
    return concat({manifest.package, " ", manifest.version, " ", std::to_string(manifest.serial)});
}

boot::Means boot_means(const work::Services& services) {
    return {services.settings.image,
            services.files,
            services.processes,
            *services.devices,
            services.host,
            services.settings.hooks_dir,
            services.settings.state.boot_lock()};
}

std::unique_ptr<boot::Boot> boot_of(const work::Services& services) { return boot::make_boot(boot_means(services)); }

Result<Place> choose_place(const work::Services& services, std::string_view wanted) {
    const auto& image = services.settings.image;
    if (services.devices == nullptr || image.slots.empty()) {
        return error(AgentCode::image_no_slot, "image.slots is empty");
    }
    Place place;
    place.switches = image.boot != config::BootMethod::none;
    if (place.switches) {
        place.running = TRY(boot_of(services)->look()).running;
    } else if (const auto running = boot::running_slot(image, *services.devices); running.ok()) {
        place.running = *running;
    }
    place.target = wanted.empty() ? TRY(other_slot(image, place.running)) : std::string(wanted);
    if (image.find(place.target) == nullptr) {
        return error(AgentCode::image_no_slot, {"there is no slot ", place.target});
    }
    if (place.target == place.running) {
        return error(AgentCode::image_slot_in_use, {"slot ", place.target, " runs"});
    }
    return place;
}

std::vector<TaskResult> objections(const ImageMember& member, const Place& place, const work::Services& services) {
    return Objections(member, place, services).all();
}

Result<OpenSlots> open_slots(const ImageMember& member, const Place& place, work::PackageFiles& package,
                             const work::Services& services, platform::Access access) {
    OpenSlots open;
    const auto& image = services.settings.image;
    const auto* target = image.find(place.target);
    const auto* running = image.find(place.running);
    for (const auto& part : member.parts) {
        const auto device = target->parts.find(part.name);
        if (device == target->parts.end()) {
            return error(AgentCode::image_no_slot, {"slot ", place.target, " has no device for the part ", part.name});
        }
        WritePart write{part, TRY(package.staged(part.chunks)), 0, {part.chunk_bytes, part.raw_bytes}};
        for (const auto& file : package.files()) {
            write.image_bytes = file.path == part.file ? file.bytes : write.image_bytes;
        }
        auto target_device = services.devices->open(device->second, access);
        if (!target_device.ok() && target_device.error().is(AgentCode::busy)) {
            return error(AgentCode::image_slot_in_use, device->second);
        }
        open.devices.push_back(TRY(std::move(target_device)));
        write.devices.target = open.devices.back().get();
        // What runs is only a place to copy from: where it cannot be read, more is fetched.
        if (running != nullptr && running->parts.count(part.name) != 0) {
            auto source = services.devices->open(running->parts.at(part.name), platform::Access::read);
            if (source.ok()) {
                open.devices.push_back(std::move(source).value());
                write.devices.running = open.devices.back().get();
            }
        }
        open.parts.push_back(std::move(write));
    }
    return open;
}

}  // namespace hagent::image
