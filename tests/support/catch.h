#pragma once

// The one way a test includes Catch2. Torch's logging header and Catch2 both define CHECK:
// include this header last, so that a test's CHECK is always Catch2's.
#undef CHECK
#undef CHECK_NOTHROW
#undef REQUIRE
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
