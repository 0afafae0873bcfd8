#include "lore/core/printable.h"

#include "support/catch.h"

TEST_CASE("text from a file is made fit for a message") {
  CHECK(lore::in_quotes("风控 model.é") == "\"风控 model.é\"");
  CHECK(lore::printable(std::string("a\0b\n\x1b[2J", 8)) == "a\\x00b\\x0a\\x1b[2J");
  CHECK(lore::printable("\x7f") == "\\x7f");
  CHECK(lore::printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(lore::printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong '/'
  CHECK(lore::printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(lore::printable("\xc2\x9b"
                        "31m") ==
        "\\xc2\\x9b"
        "31m");  // the C1 control CSI
  CHECK(lore::printable(std::string(500, 'x'), 10) == "xxxxxxxxxx...");
}
