#include "lore/tasks/heat_map.h"

#include <cmath>

#include "support/catch.h"

namespace {

lore::HeatMap sample() {
  return {"norm", {{"q_proj", {0.0, 1.0, std::nullopt}}, {"v", {0.55, std::nan(""), 0.99}}}};
}

}  // namespace

TEST_CASE("a heat map without colour is digits, a dot for nothing, a mark for no number") {
  CHECK(lore::heat_map_text(sample(), false, 80) ==
        "norm, from 0 to 1 (9)\n"
        "layer   0\n"
        "q_proj  0 9 .\n"
        "v       5 ! 9\n");
}

TEST_CASE("a heat map that is too wide goes on below, and cells close up first") {
  lore::HeatMap map{"norm", {{"q", std::vector<std::optional<double>>(25, 1.0)}}};
  CHECK(lore::heat_map_text(map, false, 30) ==
        "norm, from 0 to 1 (9)\n"
        "layer 0    5    10   15   20\n"
        "q 9999999999999999999999999\n");
  CHECK(lore::heat_map_text(map, false, 12) ==
        "norm, from 0 to 1 (9)\n"
        "layer 0    5\n"
        "q 9999999999\n"
        "layer 10   15\n"
        "q 9999999999\n"
        "layer 20\n"
        "q 99999\n");
}

TEST_CASE("a heat map of zeros, or of nothing, is drawn") {
  CHECK(lore::heat_map_text({"norm", {{"q", {0.0}}}}, false, 80) == "norm, from 0 to 0 (9)\nq  0\n");
  CHECK(lore::heat_map_text({"norm", {}}, false, 80) == "norm, from 0 to 0 (9)\n");
  CHECK(lore::heat_map_svg({"norm", {}}).ends_with("</svg>\n"));
}

TEST_CASE("colour is added around the same digits") {
  const std::string text = lore::heat_map_text(sample(), true, 80);
  CHECK(text.find("\x1b[48;5;53;38;5;15m 0\x1b[0m") != std::string::npos);
  CHECK(text.find("\x1b[48;5;226;38;5;16m 9\x1b[0m") != std::string::npos);
}

TEST_CASE("names in a picture are text and nothing else") {
  const std::string svg = lore::heat_map_svg({"<norm>", {{"q\"<script>\x1b", {1.0, 2.0}}}});
  CHECK(svg.find("<script>") == std::string::npos);
  CHECK(svg.find('\x1b') == std::string::npos);
  CHECK(svg.find("&lt;norm&gt;") != std::string::npos);
  CHECK(svg.find("layer 1 q") != std::string::npos);
}
