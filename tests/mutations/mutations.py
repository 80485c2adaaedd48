# SPDX-License-Identifier: Apache-2.0
"""How each of the thirteen rules is broken on purpose: the smallest change of the source that a careless day could bring."""

from dataclasses import dataclass


@dataclass
class Mutation:
    """`edits` are (file, what stands there once, what takes its place); `test` begins the name of the test that must fail, or is
    "suite: Class.test_name" of another suite of tests/integration."""
    name: str
    test: str
    edits: list


MUTATIONS = [
    Mutation("a packet's body names the manager", "test_01", [
        ("agent/status/api.cpp", "if (!trigger(request.peer)) {", "if (!trigger(request.body)) {"),
        ("agent/agent.cpp", "[this](const std::string& peer) { return trigger(peer); }",
         '[this](const std::string& body) { if (body.starts_with("http://")) { named_ = {body}; start_manager(); } return trigger(body); }'),
        ("agent/agent.cpp", "manager::CheckInSettings{settings_.manager.urls,", "manager::CheckInSettings{named_.empty() ? settings_.manager.urls : named_,"),
        ("agent/agent.cpp", "manager::TriggerGate gate_;", "manager::TriggerGate gate_; std::vector<std::string> named_;")]),
    Mutation("anybody may cancel", "test_02", [
        ("agent/status/api.cpp", '{"POST", "/v1/sessions/", Role::operators,', '{"POST", "/v1/sessions/", Role::anyone,')]),
    Mutation("a viewer may cancel", "test_02", [
        ("agent/status/api.cpp", '{"POST", "/v1/sessions/", Role::operators,', '{"POST", "/v1/sessions/", Role::viewer,')]),
    Mutation("packets are not limited in number", "test_03", [
        ("agent/manager/trigger_gate.h", "k_gap = Seconds{1}", "k_gap = Seconds{0}")]),
    Mutation("by default it listens to everybody", "test_03", [
        ("agent/config/config.cpp", '    read_endpoint(in, "status", out.status);\n',
         '    out.status->address = "0.0.0.0";\n    read_endpoint(in, "status", out.status);\n')]),
    Mutation("what was asked is echoed", "test_03", [
        ("agent/http/router.cpp", '"There is nothing at this path. The status page is at /."', '"There is nothing at " + request.path')]),
    Mutation("clear text needs no permission", "test_04", [
        ("agent/config/rules.cpp", "&& !settings_.manager.allow_clear_text)", "&& settings_.manager.urls.empty())")]),
    Mutation("a redirect may leave https", "test_04", [
        ("agent/transfer/http_redirect.cpp", "(is_encrypted(asked.scheme) && !is_encrypted(next->scheme))", "(is_encrypted(asked.scheme) && asked.port == 0)")]),
    Mutation("a proxy speaks for the server", "http_proxy: Connect.test_nothing_of_an_answer_to_connect_but_its_status_is_used", [
        ("agent/transfer/curl_request.cpp", "set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);", "set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 0L);")]),
    Mutation("a proxy's login is the manager's answer", "http_proxy: Connect.test_a_login_that_a_proxy_wants_in_clear_text_drops_no_report", [
        ("agent/manager/loop_caller.cpp", "reply.error->id == errors::http(407)", "reply.error->id == errors::http(0)")]),
    Mutation("an error's body is taken whole", "http_words: Endless.test_errors_redirects_and_answers_to_uploads_are_cut", [
        ("agent/transfer/unwanted_body.h", "bytes_ > limits::k_unwanted_body_bytes", "bytes_ > 1'000'000'000'000U")]),
    Mutation("a file has no maximum", "http_words: Endless.test_lists_signatures_and_manifests_are_cut_at_their_limit", [
        ("agent/transfer/download.cpp", "    if (then > request_.max_bytes) {", "    if (then == 0) {")]),
    Mutation("news comes from caches", "http_proxy: Caches.test_a_new_list_and_a_new_package_are_seen_at_once", [
        ("agent/transfer/curl_request.cpp", "exchange.method == Method::get && exchange.past_caches", "exchange.method == Method::put && exchange.past_caches")]),
    Mutation("certificates are not looked at", "test_05", [
        ("agent/transfer/curl_request.cpp", "set(CURLOPT_SSL_VERIFYPEER, 1L);", "set(CURLOPT_SSL_VERIFYPEER, 0L);")]),
    Mutation("a common name is enough", "tls_words: Tls.test_only_subject_alternative_names_count_and_an_address_needs_an_address", [
        ("agent/trust/server_check.cpp", "        if (!names_host(names, me.host_)) {", "        if (!names.empty() && !names_host(names, me.host_)) {")]),
    Mutation("a name is as good as an address", "tls_words: Tls.test_only_subject_alternative_names_count_and_an_address_needs_an_address", [
        ("agent/trust/server_check.cpp", "return address.empty() && dns_matches(", "return dns_matches(")]),
    Mutation("any signature is good", "test_06", [
        ("agent/trust/key_ring.cpp", "bytes, signature.size()) == 0) {", "bytes, signature.size()) != 1) {")]),
    Mutation("files are not compared with their digests", "test_06", [
        ("agent/session/origin/signed_package.cpp", "    request.sha256 = listed.sha256;\n", "")]),
    Mutation("a script that was kept is believed", "test_06", [
        ("agent/session/origin/staged_origin.cpp", "if (entry == nullptr || trust::sha256_hex(text) != entry->sha256) {", "if (entry == nullptr) {")]),
    Mutation("bytes at hand are believed", "test_06", [
        ("agent/transfer/part_file.cpp", "found.bytes() != state_.bytes || found.finish() != state_.sha256.finish()", "found.bytes() != state_.bytes")]),
    Mutation("a job may be any package of its signer", "test_06", [
        ("agent/session/origin/signed_package.cpp", "        return source().manifest_sha256;\n", "        return {};\n")]),
    Mutation("every key may sign job lists", "test_06", [
        ("agent/trust/key_ring.cpp", "return roles.empty() ||", "return roles.empty() || role == Role::jobs ||")]),
    Mutation("a package for others is taken", "test_06", [
        ("agent/trust/package_check.cpp", "    TRY(check_targets(manifest, device));\n", "    (void)device;\n")]),
    Mutation("expiry does not matter", "test_06", [
        ("agent/trust/package_check.cpp", "    TRY(check_expiry(manifest.expires, now, clock_trusted));\n", "    (void)now, (void)clock_trusted;\n")]),
    Mutation("a shell reads the command line", "test_07", [
        ("agent/script/act_run.cpp", "    command.argv = acting.step.argv;\n    command.argv.front() = ",
         '    command.argv = {"/bin/sh", "-c", ""};\n    for (const auto& word : acting.step.argv) { command.argv.back() += word + " "; }\n    acting.record.output = ')]),
    Mutation("programs inherit the environment", "test_07", [
        ("platform/posix/process_spawn.cpp", "argv_.data(), environment_.data());", "argv_.data(), environ);")]),
    Mutation("programs have no time limit", "test_07", [
        ("agent/script/act_run.cpp", "acting.step.seconds.count() > 0 ? acting.step.seconds : acting.services.settings.time_limit", "Seconds{3600}")]),
    Mutation("anybody may read what programs print", "test_07", [
        ("agent/status/api.cpp", "return request.by_operator ?", "return !request.path.empty() ?")]),
    Mutation("descriptors are left open", "test_07", [
        ("platform/posix/process_spawn.cpp", "close_all_from(k_control + 1);", "close_all_from(100000);")]),
    Mutation("links lead out of the folders for scripts", "test_08", [
        ("agent/script/paths.cpp", "return inside ? Status()", "return inside || !named.empty() ? Status()")]),
    Mutation("the agent's own files are like others", "test_08", [
        ("agent/work/protection.cpp", "if (hit || parent) {", "if ((hit || parent) && named.empty()) {")]),
    Mutation("a folder may become a link between the look and the deed", "test_08", [
        ("platform/posix/files.cpp", "return jailed_ ? *jailed_ : *this;", "return *this;")]),
    Mutation("a request line has no limit", "test_09", [
        ("agent/http/request_parser.cpp", "line_.size() > limits::k_http_request_line_bytes)", "line_.size() > limits::k_config_bytes)")]),
    Mutation("control bytes are text", "test_09", [
        ("agent/script/command_line.cpp", "if (low || high) {", "if (low && high) {")]),
    Mutation("a field that is not understood is passed over", "test_09", [
        ("agent/manager/hserver_reply.cpp", 'object(field, "is neither a key with a value nor a command with its number");', "out_.text = field;")]),
    Mutation("a manifest has no limit", "test_09", [
        ("agent/trust/verify.cpp", "limits::k_manifest_bytes, AgentCode", "limits::k_journal_bytes, AgentCode"),
        ("agent/trust/key_ring.cpp", "manifest.size() > limits::k_manifest_bytes ||", "manifest.size() > limits::k_journal_bytes ||")]),
    Mutation("a login in a link is kept", "test_10", [
        ("agent/manager/hawkbit_job.cpp", "    return transfer::to_text(*link);\n", "    return href;\n")]),
    Mutation("nobody looks who may change the files", "test_11", [
        ("platform/permissions.cpp", "    return info.writable_by_others && !shared;", "    return info.writable_by_others && !shared && !above;")]),
    Mutation("secrets may be read by all", "test_11", [
        ("agent/config/store.cpp", "        if (info.ok() && (*info)->readable_by_others) {", "        if (info.ok() && (*info)->readable_by_others && setting.empty()) {")]),
    Mutation("folders above may be others'", "places: Places.test_a_file_that_others_can_change_or_replace_is_refused_with_its_setting", [
        ("platform/permissions.cpp", "        if (info && is_weak(", "        if (info && &place == &way.back() && is_weak(")]),
    Mutation("a hook is not looked at before it runs", "places: Places.test_a_hook_that_others_can_change_by_now_is_not_run", [
        ("agent/work/hooks.cpp", "platform::weak_place(services.files, argv.front())", "platform::weak_place(services.files, {})")]),
    Mutation("keys are taken from folders of others", "places: Places.test_a_key_of_another_user_signs_nothing_and_the_others_still_do", [
        ("agent/trust/key_ring.cpp", '    TRY(check_closed(files, path, "trusted key"));\n', "")]),
    Mutation("the state is used whoever owns it", "other_users: OtherUsers.test_nothing_in_the_state_is_opened_through_a_link_or_taken_from_others", [
        ("agent/services.cpp", "    files.keep_own(settings.state_dir);\n", "")]),
    Mutation("verbs do not look whose the state is", "other_users: OtherUsers.test_every_verb_refuses_a_state_directory_that_others_own_or_may_change", [
        ("agent/verbs/shared.cpp", "        return complaint.bearable ||", '        return complaint.bearable || options.verb != "run" ||')]),
    Mutation("a part of others is gone on with", "other_users: OtherUsers.test_fetch_takes_no_part_that_another_user_laid", [
        ("agent/verbs/fetch.cpp", "    if (info && (info->kind != platform::FileKind::directory", "    if (info && file.empty() && (info->kind != platform::FileKind::directory"),
        ("agent/verbs/fetch.cpp", "    files.keep_own(part);\n", "")]),
    Mutation("the digest is of bytes that were there once", "other_users: OtherUsers.test_fetch_tells_the_digest_of_the_bytes_that_it_hands_over", [
        ("agent/transfer/part_file.cpp", "found.finish() != state_.sha256.finish())", "found.bytes() > state_.bytes)")]),
    Mutation("links of others are followed", "other_users: OtherUsers.test_no_script_command_follows_a_link_of_another_user_to_what_is_not_theirs", [
        ("platform/posix/file_tree.cpp", "found.st_uid == link.owner) {", "found.st_uid != link.owner + 1) {")]),
    Mutation("another name of a file is as good", "other_users: OtherUsers.test_another_name_of_somebodys_file_is_neither_edited_nor_sent_away", [
        ("platform/posix/files.cpp", "    if (place.folder && found.st_nlink > 1) {", "    if (place.folder && found.st_nlink > 100) {"),
        ("agent/script/paths.cpp", "file.names < 2)", "file.names < 100)")]),
    Mutation("what is mounted is deleted", "other_users: OtherUsers.test_a_folder_in_which_something_is_mounted_is_not_deleted", [
        ("platform/posix/file_tree.cpp", "        if (holds(tree, mount.point)) {", "        if (holds(tree, mount.point) && tree.empty()) {")]),
    Mutation("own files are known by their names only", "other_users: OtherUsers.test_a_second_mount_of_the_agents_folders_is_no_way_to_them", [
        ("agent/work/protection.cpp", "    return id.known() && std::find(", "    return id.known() && ids.empty() && std::find(")]),
    Mutation("a setting's file is nobody's", "other_users: OtherUsers.test_no_script_command_touches_a_file_that_the_settings_name", [
        ("agent/config/named_files.cpp", '        {"manager.ca_file",            s.manager.ca_file,            FileRole::trusted},\n', "")]),
    Mutation("what the sessions remember is not asked", "damaged_state: Damage.test_no_fault_in_what_is_known_of_jobs_runs_one_twice_or_loses_its_final", [
        ("agent/manager/report_queue.cpp", "    return enqueue(*job.final);\n", "    return {};\n")]),
    Mutation("damaged serials are no serials", "damaged_state: Damage.test_both_copies_of_the_serials_are_believed_alone_and_damage_in_both_is_refused", [
        ("agent/trust/serials.cpp", "if (kept.damage && kept.bodies.empty()) {", "if (kept.damage && kept.bodies.size() > 2) {")]),
    Mutation("a clock that is set back is believed", "damaged_state: Clock.test_a_clock_that_is_set_back_revives_no_package_and_no_list", [
        ("agent/trust/trusted_time.cpp", "    return Now{*floor_, true,\n", "    return Now{clock, sane,\n")]),
    Mutation("one bad answer is for ever", "one_bad_answer: InAFolder.test_a_wrong_signature_once", [
        ("agent/session/retry.cpp", "return !vouched_for(*package, trust::k_signature_name);", "return false;")]),
    Mutation("a program may run away", "script: Programs.test_a_program_that_runs_away_ends_with_its_time", [
        ("platform/posix/process.cpp", "if (clock.uptime() >= end) {", "if (clock.uptime() <= end) {")]),
    Mutation("an older serial is as good", "test_12", [
        ("agent/trust/package_check.cpp", "serial < *highest", "serial + 1000 < *highest")]),
    Mutation("a pin does not count beside an authority", "test_13", [
        ("agent/transfer/curl_request.cpp", "    if (!options.pins.empty()) {\n", "    if (!options.pins.empty() && options.ca_file.empty()) {\n")]),
    Mutation("one client over TLS has the loop for itself", "listener_flood: ListenerFloodTest.test_a_client_that_keeps_sending_over_tls_holds_nobody_up", [
        ("agent/http/connection.cpp", "step < limits::k_http_turn_steps", "step < 1U << 30U"),
        ("agent/http/connection.cpp", "(tls_ != nullptr ? tls_->plain() : *stream_).read(buffer)", "stream_->read(buffer)")]),
    Mutation("one address may have all connections", "listener_flood: ListenerFloodTest.test_one_address_gets_a_share_of_the_connections", [
        ("agent/http/server.cpp", "count(origin) >= limits::k_http_connections_each", "count(origin) >= limits::k_http_body_bytes")]),
    Mutation("a body is waited for that nobody wants", "listener_flood: ListenerFloodTest.test_a_body_that_nobody_wants_is_not_waited_for", [
        ("agent/http/connection.cpp", "if (!service.wants_body(parser_.request())) {", "if (!service.wants_body(parser_.request()) && tls_ != nullptr) {")]),
    Mutation("whoever has the port of a killed agent is believed", "door: DoorTest.test_a_stranger_at_the_door_of_a_killed_agent_is_not_asked", [
        ("agent/daemon_client.cpp", "return TRY(files.is_locked(settings.state().lock())) ? *std::move(content) : std::string();", "return content;")]),
    Mutation("anybody on the device may go through the verbs' door", "door: DoorTest.test_the_door_is_for_those_who_may_read_its_file", [
        ("agent/http/access.cpp", "(needed == Role::anyone && !bound_.empty())", "needed == Role::anyone")]),
    Mutation("a reload closes its sockets", "door: DoorTest.test_a_reload_lets_go_of_no_port", [
        ("agent/listener.cpp", "machine.sockets.keep(part->name, part->server->release());", "(void)part->server->release();")]),
    Mutation("a half-written slot keeps its head", "image: Broken.test_a_bomb_and_another_content_in_a_chunk_end_the_work_and_the_next_image_is_written", [
        ("agent/image/image_actions.cpp", "    return writer_->clear_heads();\n", "    return {};\n")]),
    Mutation("what is read back is not compared", "image: Promises.test_what_reads_back_as_another_image_is_not_switched_to", [
        ("agent/image/slot_writer.cpp", "return to_hex(digest) == parts_[number].part.raw_sha256;", "return !to_hex(digest).empty();")]),
    Mutation("a program that was cut off is believed", "image: Promises.test_a_program_that_was_cut_off_runs_again_over_a_whole_image", [
        ("agent/image/image_actions.cpp", "if (record.in_flight_before) {", "if (record.in_flight_before && record.n == 0) {")]),
    Mutation("a new system needs no manager", "image: Promises.test_a_new_system_that_reaches_no_manager_is_not_kept", [
        ("agent/image/trial.cpp", "if (run_.checked_in || (", "if (note().starts > 0 || (")]),
    Mutation("what was ill before is evidence", "image: Promises.test_what_failed_in_the_old_system_too_is_told_and_is_no_evidence", [
        ("agent/image/trial.cpp", 'before = "\\n" + note().ill;', "before;")]),
    Mutation("any device may keep a trial", "image: Promises.test_a_disk_in_another_device_is_not_kept", [
        ("agent/image/trial.cpp", "trial.mac == facts.mac && trial.serial", "trial.serial")]),
    Mutation("a trial without its record stays", "image: Promises.test_a_trial_that_lost_its_record_is_not_kept", [
        ("agent/image/trial.cpp", "if (!notes_.trial && state.on_trial()) {", "if (!notes_.trial && state.running.empty()) {")]),
    Mutation("that an agent came up is noted too late", "image: Stories.test_that_its_agent_came_up_is_noted_before_it_can_hang_over_its_manager", [
        ("agent/agent.cpp", "        (void)image::note_trial_came_up(device_services(machine_, services_.session_settings));\n", "")]),
    Mutation("two changes of the system at once", "image: Promises.test_nothing_else_begins_while_an_image_is_on_trial", [
        ("agent/session/exclusive.cpp", "kind == JobKind::image || ", "")]),
    Mutation("a staged agent is believed", "upgrade: ByHand.test_an_upgraded_program_that_was_damaged_gives_way_to_the_one_before", [
        ("agent/upgrade/launcher.cpp", "return digest.sha256 == program.sha256", "return digest.bytes > 0")]),
    Mutation("an older agent is started", "upgrade: ByHand.test_the_newer_of_the_preinstalled_and_the_confirmed_agent_runs", [
        ("agent/upgrade/choice.cpp", "compare_versions(launcher, record.confirmed->version) <= 0", "!launcher.empty()")]),
]
