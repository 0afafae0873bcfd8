#include <ATen/ATen.h>
#include <c10/util/Logging.h>
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE("CHECK is Catch's, also beside Torch's headers", "[!shouldfail]") {
  // Torch's CHECK would end the process; Catch's is a failure that this test expects.
  CHECK(at::ones({1}).item<float>() == 2.0F);
}
