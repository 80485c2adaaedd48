// SPDX-License-Identifier: Apache-2.0
// Owns what the text of an FTP reply says beside its number: the words worth repeating, and whether a refused login is
// the server's limits speaking.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hagent::transfer {

/// The texts of one reply's lines, in as much room as an error needs.
class FtpWords {
public:
    void clear();
    /// A line without its number. Lines of ornament, and the "End" that some servers close with, say nothing.
    void add(std::string_view line);
    /// All lines in one; of a long reply its first and its last words, as the last line is the one that tells.
    [[nodiscard]] std::string text() const;
    /// As much of it as was kept, for who judges by it.
    [[nodiscard]] std::string all() const { return text_ + ' ' + last_; }

private:
    std::string text_, last_;
};

/// Whether a text speaks of limits, users or connections and not of a login that is wrong. Every server has words of
/// its own for being full. `user` may stand in it and is none of them.
[[nodiscard]] bool speaks_of_limits(std::string_view text, std::string_view user);

}  // namespace hagent::transfer
