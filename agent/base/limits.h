// SPDX-License-Identifier: Apache-2.0
// Owns every named limit on what comes from outside. Sizes in bytes, times in the unit of the name.
#pragma once

#include <cstddef>
#include <cstdint>

// What is larger is refused, or cut where only a part is wanted, so that no input decides how much memory or disk the
// agent takes. Sources: spec 8 "Listener" and "Execution", spec 3; the figures are ours where these give none.
namespace hagent::limits {

// files of our own
inline constexpr std::size_t k_config_bytes = 256U << 10U;
inline constexpr std::size_t k_agent_record_bytes = 64U << 10U;  // which agent is started
inline constexpr std::size_t k_agent_program_bytes = 64U << 20U;
inline constexpr std::size_t k_journal_record_bytes = 1U << 20U;
inline constexpr std::size_t k_journal_bytes = 16U << 20U;
inline constexpr std::uint64_t k_reserve_bytes = 256U << 10U;  // kept free for the job that frees space

// files of the system
inline constexpr std::size_t k_zone_file_bytes = 64U << 10U;

// packages
inline constexpr std::size_t k_manifest_bytes = 1U << 20U;
inline constexpr std::size_t k_signature_bytes = 4096;
inline constexpr std::size_t k_manifest_files = 10000;
inline constexpr std::size_t k_path_bytes = 1024;
inline constexpr std::size_t k_key_bytes = 16U << 10U;

// slots and trials
inline constexpr std::size_t k_slot_name_bytes = 32;  // of a part's name too
inline constexpr std::size_t k_slot_parts = 8;
inline constexpr unsigned k_trial_tries = 3;
inline constexpr std::size_t k_boot_answer_bytes = 64U << 10U;  // of bcdedit, of the hook `boot`

// images: spec 7 "Image package"
inline constexpr std::uint32_t k_chunk_least_bytes = 4096;  // raw; chunks are multiples of it
inline constexpr std::uint32_t k_chunk_most_bytes = 1U << 20U;
// stored: what a packer that finds nothing to compress adds to the raw bytes
inline constexpr std::uint32_t k_chunk_growth_bytes = 4096;
inline constexpr std::size_t k_image_parts = 16;
inline constexpr std::size_t k_part_name_bytes = 32;
inline constexpr std::size_t k_chunk_line_bytes = 160;
inline constexpr std::uint32_t k_image_chunks = 1U << 17U;
inline constexpr std::uint64_t k_image_unsynced_bytes = 16U << 20U;  // written, and not yet noted as safe
inline constexpr std::size_t k_image_record_bytes = 64U << 10U;
inline constexpr std::size_t k_decoder_bytes = std::size_t{1536} << 10U;  // that the decoder of one chunk takes

// scripts
inline constexpr std::size_t k_script_bytes = 1U << 20U;
inline constexpr std::size_t k_script_line_bytes = 4096;
inline constexpr std::size_t k_script_commands = 1000;
inline constexpr std::size_t k_script_arguments = 8;
inline constexpr std::size_t k_edited_file_bytes = 4U << 20U;
inline constexpr std::size_t k_key_store_bytes = 4U << 20U;
inline constexpr std::size_t k_output_tail_bytes = 4096;
inline constexpr std::uint64_t k_program_memory_bytes = 1U << 30U;  // of each process of a program that is waited for

// listener
inline constexpr std::size_t k_http_connections = 256;
inline constexpr std::size_t k_http_connections_each = 128;  // of one address; of one /64 network for IPv6
inline constexpr std::size_t k_http_accepts = 32;            // in one turn of the loop
inline constexpr unsigned k_http_turn_steps = 8;             // reads or writes of one client in one turn of the loop
inline constexpr unsigned k_tls_turn_pieces = 8;             // that one read takes from the socket: four records
inline constexpr std::size_t k_http_unwanted_bytes = 4096;   // of a body in chunks that no path wants
inline constexpr std::size_t k_http_request_line_bytes = 2048;
inline constexpr std::size_t k_http_header_bytes = 8U << 10U;
inline constexpr std::size_t k_http_headers = 64;
inline constexpr std::size_t k_http_body_bytes = 256U << 10U;
inline constexpr std::int64_t k_http_header_seconds = 10;
inline constexpr std::int64_t k_http_idle_seconds = 30;
// for the sockets that are ready; then timers and messages have their turn
inline constexpr std::int64_t k_loop_turn_ms = 50;

// transfer
inline constexpr std::size_t k_reply_line_bytes = 1024;
inline constexpr std::size_t k_transcript_lines = 64;
inline constexpr std::size_t k_peer_words_bytes = 200;  // of what a peer said that stand in an error
inline constexpr std::size_t k_redirects = 5;
// of the heads that answer one request, interim ones too: as many as libcurl allowed where it counts them
inline constexpr std::size_t k_http_answer_lines = 5000;
// of a body that nobody wants (an error's, a redirect's, an upload's answer), before the connection is closed
inline constexpr std::size_t k_unwanted_body_bytes = 16U << 10U;
inline constexpr std::int64_t k_unwanted_body_seconds = 10;
inline constexpr std::int64_t k_small_file_seconds = 120;  // for all of a file of at most k_small_file_bytes
inline constexpr std::uint64_t k_small_file_bytes = 1U << 20U;
inline constexpr std::uint64_t k_unknown_file_bytes = std::uint64_t{64} << 30U;  // of a file whose size nobody has told
inline constexpr std::size_t k_sources = 16;
// between two checkpoints of a download: as much as
inline constexpr std::uint64_t k_checkpoint_least_bytes = 4U << 20U;
inline constexpr std::uint64_t k_checkpoint_most_bytes = 16U << 20U;  // is safe already, within these
inline constexpr std::int64_t k_retry_after_cap_seconds = 3600;
// in front of a part of a file, thrown away where a server cannot begin elsewhere; times this from the last source
inline constexpr std::uint64_t k_skipped_range_bytes = 4U << 20U;
inline constexpr std::uint64_t k_skipped_last_resort = 8;

// manager
inline constexpr std::size_t k_manager_answer_bytes = 1U << 20U;
inline constexpr std::size_t k_queued_progress_reports = 20;
inline constexpr std::size_t k_report_messages = 40;
inline constexpr std::size_t k_report_message_bytes = 480;
inline constexpr std::size_t k_finished_jobs = 500;
// of one device; fewer than are remembered, or an old one would be done again
inline constexpr std::size_t k_folder_jobs = 400;
inline constexpr std::size_t k_hserver_keys = 256;
inline constexpr std::size_t k_kept_sessions = 20;
inline constexpr std::size_t k_queued_jobs = 32;
// a job that failed before its first change, for reasons of trust or transfer: begun so often, about an hour in all
inline constexpr unsigned k_job_tries = 7;
inline constexpr std::int64_t k_job_first_wait_seconds = 10;  // each further wait is three times as long

// loop guard
inline constexpr std::size_t k_remembered_rounds = 200;
inline constexpr std::size_t k_remembered_holds = 32;  // ids of jobs that were stopped for one reason

// log
inline constexpr std::size_t k_log_lines = 400;
inline constexpr std::size_t k_log_line_bytes = 1024;
inline constexpr std::uint64_t k_log_file_bytes = 1U << 20U;

}  // namespace hagent::limits
