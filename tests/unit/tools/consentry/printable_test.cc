#include "tools/consentry/printable.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

TEST(PrintableTest, TextStaysAsItIs) {
  EXPECT_EQ(Printable("caf\xc3\xa9 \xc2\xa0 12,50 \xe2\x82\xac"),
            "caf\xc3\xa9 \xc2\xa0 12,50 \xe2\x82\xac");
}

TEST(PrintableTest, WhatSteersATerminalDoesNot) {
  EXPECT_EQ(Printable("\x1b[2J"), "\xef\xbf\xbd[2J");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J"),
            "\xef\xbf\xbd"
            "2J");
  EXPECT_EQ(Printable("a\r\n\x7f"), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(PrintableTest, ValueCannotAddALineToAnAnswer) {
  v1::ReadSubjectResponse response;
  v1::Field* field = response.add_fields();
  field->set_name("profile.note");
  field->mutable_value()->set_string_value("x\nPERMIT  everything");
  std::ostringstream out;
  Show(response, out);
  EXPECT_EQ(out.str().find("\nPERMIT"), std::string::npos);
}

}  // namespace
}  // namespace consentry::tools
