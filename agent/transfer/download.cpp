// SPDX-License-Identifier: Apache-2.0
// Owns the loop of tries: ask, take what comes, let the policy decide, wait, go on.
#include "agent/transfer/download.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/transfer/download_request.h"
#include "agent/transfer/part_file.h"
#include "agent/transfer/rate.h"
#include "agent/transfer/standings.h"
#include "agent/transfer/tries.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

constexpr std::uint64_t k_progress_bytes = 64U << 10U;  // a try that gained less has made no progress
constexpr std::uint64_t k_spared_bytes = 64U << 20U;    // of free space, by a file whose size nobody has told
constexpr std::uint64_t k_spared_fraction = 16;         // or a 16th of it
constexpr std::uint64_t k_progress_fraction = 64;       // but of a small file a 64th part is enough

/// A full device must be left as it was.
bool out_of_space(const Error& why) { return why.is(AgentCode::disk_full) || why.is(AgentCode::quota_exceeded); }

class Download final : public Sink {
public:
    Download(const DownloadRequest& request, const DownloadServices& services, DownloadObserver& observer,
             PartFile part)
        : request_(request),
          services_(services),
          observer_(observer),
          part_(std::move(part)),
          rate_(services.clock),
          best_bytes_(part_.bytes()),
          tries_of_file_(part_.bytes() > 0 ? 1 : 0),
          sources_(shown_urls(request.sources), services.options.attempts),
          tries_(request.sources, sources_, services, observer) {}

    Result<Downloaded> run();

    Status begin(const ReplyHead& head) override;
    Status write(std::string_view bytes) override;

private:
    [[nodiscard]] const std::string& source() const { return tries_.source(); }
    [[nodiscard]] bool has_digest() const { return !request_.sha256.empty() || !request_.sha1.empty(); }
    [[nodiscard]] bool same_source() const { return part_.url() == mark_of(source()); }
    [[nodiscard]] bool resumable() const;
    [[nodiscard]] std::optional<std::uint64_t> total_of(const ReplyHead& head) const;
    [[nodiscard]] bool whole_without_asking() const;

    [[nodiscard]] bool past_caches() const { return request_.past_caches || tries_.doubtful(); }
    [[nodiscard]] Exchange ask() const;
    [[nodiscard]] Result<TryOutcome> attempt();
    [[nodiscard]] TryOutcome check_file(TryOutcome outcome);
    [[nodiscard]] Situation situation_after(const TryOutcome& outcome) const;
    [[nodiscard]] Decision judge(const TryOutcome& outcome) const { return decide(situation_after(outcome)); }
    void count(const TryOutcome& outcome);
    [[nodiscard]] Status act(const Decision& decision, const TryOutcome& outcome);
    void show_progress(bool now);
    [[nodiscard]] Result<Downloaded> release(const std::string& from);
    [[nodiscard]] Failure too_large(std::uint64_t bytes) const;
    [[nodiscard]] Status check_space(std::optional<std::uint64_t> total);
    [[nodiscard]] Failure local_failure(Failure why);

    const DownloadRequest& request_;
    const DownloadServices& services_;
    DownloadObserver& observer_;
    PartFile part_;
    Rate rate_;
    Downloaded result_;
    bool from_zero_ = false;  // the policy said: drop what is at hand
    std::uint64_t asked_from_ = 0;
    std::uint64_t best_bytes_;
    unsigned tries_of_file_;  // that brought the bytes at hand
    Standings sources_;
    Tries tries_;
    bool arrived_whole_ = false;
    std::uint64_t room_ = UINT64_MAX;  // bytes that the file may take on its volume
};

/// Whether the bytes at hand may be continued: only when a changed file would be noticed.
bool Download::resumable() const {
    if (part_.bytes() == 0 || !sources_.hints().rest) {
        return false;
    }
    if (has_digest()) {
        return true;  // a change is noticed at the end at the latest
    }
    const auto& validator = part_.validator();
    const auto url = parse_url(source());
    // SIZE or MDTM alone
    const bool half = url.ok() && is_ftp(url->scheme) && validator.find('-') != std::string::npos;
    return same_source() && !validator.empty() && !half;
}

/// The power went after the last byte and before the end was noted: then no server needs to be asked.
bool Download::whole_without_asking() const {
    const bool size_fits = !request_.bytes || *request_.bytes == part_.bytes();
    return has_digest() && part_.digest_fits() && size_fits && (part_.complete() || part_.bytes() > 0);
}

// ---- one try

/// The next question to the current source: all of it, or the rest.
Exchange Download::ask() const {
    Exchange exchange;
    exchange.url = source();
    exchange.limit_bytes_per_s = request_.limit_bytes_per_s;
    exchange.ftp = sources_.hints();
    exchange.past_caches = past_caches();
    exchange.time_limit = time_limit(request_, services_.options);
    if (!from_zero_ && resumable()) {
        exchange.offset = part_.bytes();
        exchange.if_range = same_source() ? part_.validator() : std::string();
    }
    return exchange;
}

/// The size of the file that is about to arrive: by this very answer, else by the request, whose word counts for all.
/// What an earlier answer said holds only when its validator shows that this is the rest of the same file.
std::optional<std::uint64_t> Download::total_of(const ReplyHead& head) const {
    if (head.total || request_.bytes) {
        return head.total ? head.total : request_.bytes;
    }
    const bool same_file =
        asked_from_ > 0 && same_source() && !head.validator.empty() && head.validator == part_.validator();
    return same_file ? part_.total() : std::nullopt;
}

/// The head of a positive reply is here, the bytes are not: the last moment to keep the part from being spoiled.
Status Download::begin(const ReplyHead& head) {
    const auto validator = same_source() ? part_.validator() : std::string();
    const auto verdict = judge_range(head, {asked_from_}, validator, part_.total() ? part_.total() : request_.bytes);
    TRY(check_verdict(verdict, head, asked_from_, source()));
    asked_from_ = verdict == RangeVerdict::afresh ? 0 : asked_from_;
    if (request_.bytes && head.total && *head.total != *request_.bytes) {
        return error(AgentCode::size_mismatch,
                     {std::to_string(*head.total), " instead of ", std::to_string(*request_.bytes), " bytes"});
    }
    if (head.total && *head.total > request_.max_bytes) {
        return too_large(*head.total);
    }
    if (asked_from_ == 0 && part_.bytes() > 0) {
        TRY(part_.restart());
    }
    TRY(check_space(head.total ? head.total : request_.bytes));
    if (asked_from_ > 0) {
        result_.resumed_at.push_back(asked_from_);
        observer_.resumed(asked_from_);
    } else {
        tries_of_file_ = 0;
    }
    ++tries_of_file_;
    from_zero_ = false;
    rate_.restart();
    part_.describe(mark_of(source()), head.validator, total_of(head));
    return {};
}

/// Before the first byte, so that a file that cannot fit does not fill the disk first.
Status Download::check_space(std::optional<std::uint64_t> total) {
    room_ = UINT64_MAX;
    if (request_.disks == nullptr || (total && *total <= part_.bytes())) {
        return {};
    }
    const auto volume = TRY(request_.disks->volume_of(request_.directory));
    if (!total) {
        // others need room too, while it comes and when it is here
        const auto spared = std::min(volume.free_bytes / k_spared_fraction, k_spared_bytes);
        room_ = part_.bytes() + volume.free_bytes - spared;
        return {};
    }
    const auto needed = *total - part_.bytes();
    if (needed > volume.free_bytes) {
        return error(AgentCode::disk_full, {human_bytes(needed), " needed on ", volume.mount_point, ", ",
                                            human_bytes(volume.free_bytes), " free"});
    }
    return {};
}

Failure Download::too_large(std::uint64_t bytes) const {
    return error(AgentCode::limit_exceeded,
                 {std::to_string(bytes), " bytes, at most ", std::to_string(request_.max_bytes), " are taken"});
}

/// More bytes than the file may have are refused at once: a server could send without end.
Status Download::write(std::string_view bytes) {
    const auto most = request_.bytes ? request_.bytes : part_.total();
    if (most && bytes.size() > *most - std::min(*most, part_.bytes())) {
        arrived_whole_ = true;  // and is the wrong file
        return error(AgentCode::size_mismatch, {"more than ", std::to_string(*most), " bytes arrived"});
    }
    const auto then = part_.bytes() + bytes.size();
    if (then > request_.max_bytes) {
        arrived_whole_ = true;
        return too_large(then);
    }
    if (then > room_) {
        return error(AgentCode::disk_full, {"nobody has told its size, and ", human_bytes(room_), " are free for it"});
    }
    TRY(part_.append(bytes));
    rate_.add(bytes.size());
    show_progress(false);
    return {};
}

void Download::show_progress(bool now) {
    if (now || rate_.due()) {
        observer_.progress(part_.bytes(), part_.total() ? part_.total() : request_.bytes, rate_.bytes_per_s());
    }
}

/// Asks once and tells what came of it. Errors are this device's own.
Result<TryOutcome> Download::attempt() {
    const Exchange exchange = ask();
    asked_from_ = exchange.offset;
    arrived_whole_ = false;
    auto tried = tries_.ask(exchange, *this);
    TRY(part_.save());
    if (!tried.ok() || !tried->went_well) {
        return tried;
    }
    arrived_whole_ = true;
    return check_file(std::move(*tried));
}

/// Everything came; whether it is the right file is another question.
TryOutcome Download::check_file(TryOutcome outcome) {
    const auto refuse = [&](AgentCode code, std::string context) {
        outcome.reply = errors::agent(code);
        outcome.context = std::move(context);
    };
    if (part_.total() && part_.bytes() < *part_.total()) {
        refuse(AgentCode::truncated,
               concat({std::to_string(part_.bytes()), " of ", std::to_string(*part_.total()), " bytes"}));
        arrived_whole_ = false;
    } else if (request_.bytes && part_.bytes() != *request_.bytes) {
        refuse(AgentCode::size_mismatch,
               concat({std::to_string(part_.bytes()), " instead of ", std::to_string(*request_.bytes), " bytes"}));
    } else if (!part_.digest_fits()) {
        refuse(AgentCode::digest_mismatch, "it has " + part_.sha256_hex());
    }
    return outcome;
}

// ---- what follows from it

/// Tries count as failed in a row until one brings real progress: a server that sends a few bytes and closes each time
/// must not keep the download going for ever.
void Download::count(const TryOutcome& outcome) {
    const auto total = part_.total() ? part_.total() : request_.bytes;
    const auto enough =
        total ? std::clamp<std::uint64_t>(*total / k_progress_fraction, 1, k_progress_bytes) : k_progress_bytes;
    const bool progress = part_.bytes() >= best_bytes_ + enough;
    best_bytes_ = std::max(best_bytes_, part_.bytes());
    tries_.count(outcome, progress);
}

Situation Download::situation_after(const TryOutcome& outcome) const {
    Situation situation = tries_.situation(outcome);
    situation.offset = asked_from_;
    situation.bytes = part_.bytes();
    situation.can_resume = resumable();
    situation.pieced = tries_of_file_ > 1;
    situation.by_caches = source().starts_with("http") && !past_caches();
    situation.wanted = request_.bytes || has_digest() ? request_.bytes : part_.total();
    return situation;
}

/// Carries out a decision that is neither accept nor give_up.
Status Download::act(const Decision& decision, const TryOutcome& outcome) {
    const auto wait = tries_.move_on(outcome, decision, part_.bytes());
    if (is_misfit(outcome.reply) && arrived_whole_) {
        TRY(part_.restart());
        best_bytes_ = 0;
    }
    from_zero_ = decision.kind == Decide::restart;
    return tries_.wait(wait);
}

Result<Downloaded> Download::release(const std::string& from) {
    if (auto status = part_.finish(); !status.ok()) {
        return local_failure(std::move(status).failure());
    }
    show_progress(true);
    result_.path = part_.path();
    result_.bytes = part_.bytes();
    result_.sha256 = part_.sha256_hex();
    result_.source = from;
    result_.attempts = tries_.number();
    result_.decisions = tries_.take_decisions();
    result_.transcript = tries_.take_transcript();
    return std::move(result_);
}

/// A full disk gives back what the download took: others on the device need the room.
Failure Download::local_failure(Failure why) {
    if (out_of_space(why)) {
        if (auto removed = part_.remove(); !removed.ok()) {
            why.error().context += "; the part could not be removed: " + removed.error().context;
        }
    }
    return why;
}

Result<Downloaded> Download::run() {
    if (whole_without_asking()) {
        return release(part_.url());
    }
    while (true) {
        if (services_.cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        auto tried = attempt();
        if (!tried.ok()) {
            return local_failure(std::move(tried).failure());
        }
        TryOutcome outcome = std::move(tried).value();
        if (!arrived_whole_ && whole_without_asking()) {  // these are the bytes, whatever became of the connection
            tries_.report(outcome, {Decide::accept, Wait::none, outcome.reply}, Millis(0), part_.bytes());
            return release(shown(source()));
        }
        count(outcome);
        Decision decision = judge(outcome);
        if (decision.kind == Decide::accept && !arrived_whole_) {
            arrived_whole_ = true;  // HTTP 416: all of it was at hand already
            part_.describe(part_.url(), part_.validator(), outcome.total);
            ++tries_of_file_;
            outcome = check_file(std::move(outcome));
            count(outcome);
            decision = judge(outcome);
        }
        if (decision.kind == Decide::accept) {
            tries_.report(outcome, decision, Millis(0), part_.bytes());
            return release(shown(source()));
        }
        if (decision.kind == Decide::give_up) {
            tries_.report(outcome, decision, Millis(0), part_.bytes());
            if (arrived_whole_) {
                TRY(part_.remove());  // the wrong file is of no use to anybody
            }
            return tries_.final_error(outcome, decision, situation_after(outcome));
        }
        if (auto status = act(decision, outcome); !status.ok()) {
            return local_failure(std::move(status).failure());
        }
    }
}

}  // namespace

Result<Downloaded> download(const DownloadRequest& request, const DownloadServices& services,
                            DownloadObserver& observer) {
    TRY(check_request(request));
    auto part = TRY(PartFile::open(services.files, services.clock, request.directory, wanted_text(request),
                                   services.options.boot_id));
    return Download(request, services, observer, std::move(part)).run();
}

std::uint64_t bytes_at_hand(platform::Files& files, const std::string& directory) {
    const auto checkpoint = load_checkpoint(files, directory);
    return checkpoint ? checkpoint->bytes : 0;
}

}  // namespace hagent::transfer
