#include "lore/core/calendar_date.h"

#include "support/catch.h"

TEST_CASE("a day and its first second are told from each other") {
  CHECK(lore::seconds_of_date("1970-01-01") == 0);
  CHECK(lore::seconds_of_date("2026-02-05") == 1770249600);
  CHECK(lore::date_of_seconds(1770249600 + 86399) == "2026-02-05");
  CHECK(lore::date_of_seconds(1770249600 + 86400) == "2026-02-06");
  CHECK(lore::date_of_seconds(*lore::seconds_of_date("2024-02-29")) == "2024-02-29");
}

TEST_CASE("what is not a day is told") {
  for (const char* text : {"", "today", "2026-2-5", "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10",
                           "2026-02-05 ", "2026-02-05T00:00", "1969-12-31", "20260205", "2026/02/05"}) {
    CHECK_FALSE(lore::seconds_of_date(text));
  }
}
