#include "lore/data/template_choice.h"

#include <fstream>

#include "lore/core/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

TEST_CASE("a chat template is the model's, a named one, a file's or none") {
  const TemporaryFolder model;
  CHECK_FALSE(lore::choose_chat_template("auto", model.path()).chat_template);
  std::ofstream(model / "chat_template.jinja") << "own";
  const auto own = lore::choose_chat_template("auto", model.path());
  CHECK(own.chat_template->source() == "own");
  CHECK_FALSE(own.for_text_pairs);
  CHECK_FALSE(lore::choose_chat_template("none", model.path()).chat_template);
  const auto named = lore::choose_chat_template("chatml", model.path());
  CHECK(named.chat_template->marks_generation());
  CHECK(named.for_text_pairs);
  CHECK(named.named);
  CHECK_FALSE(own.named);
  std::ofstream(model / "other.jinja") << "other";
  CHECK(lore::choose_chat_template((model / "other.jinja").string(), model.path()).chat_template->source() ==
        "other");
  CHECK_THROWS_WITH(lore::choose_chat_template("chatlm", model.path()),
                    Catch::Contains("did you mean 'chatml'"));
}

TEST_CASE("a template's time is the first second of the day") {
  CHECK(lore::time_for_template("").empty());
  CHECK(lore::time_for_template("2026-02-05") == "1770249600");
  CHECK_THROWS_WITH(lore::time_for_template("5.2.2026"), Catch::Contains("YYYY-MM-DD"));
}
