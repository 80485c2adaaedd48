// SPDX-License-Identifier: Apache-2.0
// Owns the text of the SVG.
#include "tests/bench/fleet/plot.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace hagent::bench {
namespace {

constexpr double k_left = 60, k_top = 30, k_width = 820, k_height = 150, k_panel = 220, k_margin = 20;

/// One decimal is a tenth of a pixel.
std::string number(double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
    return "<text x='" + number(x) + "' y='" + number(y) + "' text-anchor='" + anchor + "'>" + text + "</text>\n";
}

std::string across(double y, const char* kind) {
    return "<line class='" + std::string(kind) + "' x1='" + number(k_left) + "' x2='" + number(k_left + k_width) +
           "' y1='" + number(y) + "' y2='" + number(y) + "'/>\n";
}

class Drawing {
public:
    Drawing(const Panel& panel, double top) : panel_(panel), top_(top) {
        highest_ = std::max(panel.limit, 1.0);
        for (const auto* series : {&panel.values, &panel.compared}) {
            highest_ =
                series->empty() ? highest_ : std::max(highest_, *std::max_element(series->begin(), series->end()));
        }
    }

    [[nodiscard]] std::string text() const {
        std::string out = label(k_left, top_ - 10, "start", panel_.title);
        out += "<path class='bars' d='" + bars() + "'/>\n";
        out += panel_.compared.empty() ? "" : "<polyline points='" + points() + "'/>\n";
        out += across(y(0), "axis") + label(k_left - 8, y(0) + 4, "end", "0");
        out += label(k_left - 8, y(highest_) + 4, "end", number(highest_));
        if (panel_.limit > 0) {
            out += across(y(panel_.limit), "limit") +
                   label(k_left + k_width - 4, y(panel_.limit) - 4, "end", "1.2 x mean");
        }
        out += label(k_left, y(0) + 18, "start", "0 min");
        return out + label(k_left + k_width, y(0) + 18, "end", number(panel_.minutes) + " min");
    }

private:
    [[nodiscard]] double y(double value) const { return top_ + k_height * (1 - value / highest_); }
    [[nodiscard]] static double x(std::size_t at, std::size_t of) {
        return k_left + k_width * static_cast<double>(at) / static_cast<double>(of);
    }
    [[nodiscard]] std::string bars() const {
        const auto& values = panel_.values;
        std::string out = "M" + number(k_left) + " " + number(y(0));
        for (std::size_t i = 0; i < values.size(); ++i) {
            out += "V" + number(y(values[i])) + "H" + number(x(i + 1, values.size()));
        }
        return out + "V" + number(y(0)) + "Z";
    }
    [[nodiscard]] std::string points() const {
        const auto& values = panel_.compared;
        std::string out;
        for (std::size_t i = 0; i < values.size(); ++i) {
            out += number((x(i, values.size()) + x(i + 1, values.size())) / 2) + "," + number(y(values[i])) + " ";
        }
        return out;
    }

    const Panel& panel_;
    double top_, highest_ = 1;
};

}  // namespace

std::string svg(const std::vector<Panel>& panels) {
    const double width = k_left + k_width + k_margin, height = k_margin + k_panel * static_cast<double>(panels.size());
    std::string out =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + number(width) + " " + number(height) + "'>\n";
    out +=
        "<style>text{font:12px sans-serif;fill:#333}.bars{fill:#4a7fb5}polyline{fill:none;stroke:#c60;stroke-width:1}"
        ".axis{stroke:#333}.limit{stroke:#a00;stroke-dasharray:4 3}</style>\n<rect width='100%' height='100%' "
        "fill='#fff'/>\n";
    double top = k_margin + k_top;
    for (const auto& panel : panels) {
        out += Drawing(panel, top).text();
        top += k_panel;
    }
    return out + "</svg>\n";
}

}  // namespace hagent::bench
