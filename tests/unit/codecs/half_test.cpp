#include "lore/codecs/half.h"

#include <cmath>
#include <limits>

#include "support/catch.h"

TEST_CASE("every half that is not a NaN comes back from a float") {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const float value = lore::float_from_half(static_cast<std::uint16_t>(half));
    if ((half & 0x7fff) > 0x7c00) {
      CHECK(std::isnan(value));
    } else if (lore::half_from_float(value) != half) {
      FAIL("half " << half << " became " << lore::half_from_float(value));
    }
  }
}

TEST_CASE("halves have their IEEE values") {
  CHECK(lore::float_from_half(0x3c00) == 1.0f);
  CHECK(lore::float_from_half(0xc500) == -5.0f);
  CHECK(lore::float_from_half(0x0001) == 0x1p-24f);
  CHECK(lore::float_from_half(0x03ff) == 1023 * 0x1p-24f);
  CHECK(lore::float_from_half(0x7bff) == 65504.0f);
  CHECK(lore::float_from_half(0x7c00) == std::numeric_limits<float>::infinity());
  CHECK(std::signbit(lore::float_from_half(0x8000)));
}

TEST_CASE("a float is rounded to the nearest half, ties to even") {
  CHECK(lore::half_from_float(1.0f + 0x1p-11f) == 0x3c00);
  CHECK(lore::half_from_float(1.0f + 3 * 0x1p-11f) == 0x3c02);
  CHECK(lore::half_from_float(std::nextafter(1.0f + 0x1p-11f, 2.0f)) == 0x3c01);
  CHECK(lore::half_from_float(65519.0f) == 0x7bff);
  CHECK(lore::half_from_float(65520.0f) == 0x7c00);
  CHECK(lore::half_from_float(-1e10f) == 0xfc00);
  CHECK(lore::half_from_float(0x1p-25f) == 0x0000);
  CHECK(lore::half_from_float(std::nextafter(0x1p-25f, 1.0f)) == 0x0001);
  CHECK(lore::half_from_float(3 * 0x1p-25f) == 0x0002);
  CHECK(lore::half_from_float(std::nextafter(0x1p-14f, 0.0f)) == 0x0400);
  CHECK(lore::half_from_float(-0.0f) == 0x8000);
  CHECK((lore::half_from_float(std::numeric_limits<float>::quiet_NaN()) & 0x7e00) == 0x7e00);
  CHECK((lore::half_from_float(std::bit_cast<float>(0x7f800001u)) & 0x7e00) == 0x7e00);
}

TEST_CASE("a float is rounded to the nearest bfloat16, ties to even") {
  CHECK(lore::bfloat16_from_float(1.0f) == 0x3f80);
  CHECK(lore::bfloat16_from_float(std::bit_cast<float>(0x3f808000u)) == 0x3f80);
  CHECK(lore::bfloat16_from_float(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(lore::bfloat16_from_float(std::bit_cast<float>(0x3f808001u)) == 0x3f81);
  CHECK(lore::bfloat16_from_float(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(lore::bfloat16_from_float(-std::numeric_limits<float>::infinity()) == 0xff80);
  CHECK(lore::bfloat16_from_float(std::bit_cast<float>(0x7f800001u)) == 0x7fc0);
  CHECK(lore::bfloat16_from_float(std::bit_cast<float>(0x7fffffffu)) == 0x7fff);
  CHECK(lore::float_from_bfloat16(0xc040) == -3.0f);
}
