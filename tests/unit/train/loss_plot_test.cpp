#include "lore/train/loss_plot.h"

#include <limits>

#include "support/catch.h"

TEST_CASE("the plot draws both curves and survives odd input") {
  const std::string svg = lore::loss_plot_svg({{{1, 3.0}, {2, 2.5}}, {{0, 3.2}, {2, 2.6}}}, "a <b> & c");
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.find("class=\"validation\" points=") != std::string::npos);
  CHECK(svg.find("a &lt;b&gt; &amp; c") != std::string::npos);
  CHECK(lore::loss_plot_svg({}, "empty").ends_with("</svg>\n"));
  const std::string with_nan =
      lore::loss_plot_svg({{{1, std::numeric_limits<double>::quiet_NaN()}, {2, 1}}, {}}, "");
  CHECK(with_nan.find("nan") == std::string::npos);
}
