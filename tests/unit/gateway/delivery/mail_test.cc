#include "gateway/delivery/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::delivery {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

Mail Plain() {
  Mail mail;
  mail.id = "msg_mfrggzdfmztwq2lkmfrggzdf";
  mail.from_address = "privacy@shop.example";
  mail.from_name = "Test Shop";
  mail.to = "anna@example.com";
  mail.subject = "Your code";
  mail.body = "Hello\n";
  mail.language = "en";
  mail.time_us = int64_t{1'795'000'000} * 1'000'000;
  return mail;
}

TEST(MailTest, AMessageIsWhatRfc5322Says) {
  const auto text = FormatMail(Plain());
  ASSERT_OK(text);
  EXPECT_EQ(*text,
            "From: \"Test Shop\" <privacy@shop.example>\r\n"
            "To: anna@example.com\r\n"
            "Subject: Your code\r\n"
            "Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n"
            "Message-ID: <msg_mfrggzdfmztwq2lkmfrggzdf@shop.example>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "Content-Language: en\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "\r\n"
            "Hello\r\n");
}

TEST(MailTest, NothingCanBeginAnotherHeader) {
  for (const char* address : {"anna@example.com\r\nBcc: eve@evil.example",
                              "anna@example.com\nBcc: eve@evil.example",
                              "anna@example.com, eve@evil.example",
                              "<anna@example.com>",
                              "anna@example.com>",
                              "\"anna\"@example.com",
                              "anna @example.com",
                              "anna@example.com ",
                              "anna@[127.0.0.1]",
                              "an(na)@example.com",
                              "anna@@example.com",
                              "anna@exa mple.com",
                              "@example.com",
                              "anna@",
                              "anna",
                              "",
                              "a..b@example.com",
                              ".a@example.com",
                              "m\xc3\xbcller@example.com",
                              "anna@example.com\x01",
                              "anna@example.com?x",
                              "anna;eve@example.com",
                              "-anna@example.com"}) {
    EXPECT_FALSE(IsPlainAddress(address)) << address;
    Mail mail = Plain();
    mail.to = address;
    EXPECT_THAT(FormatMail(mail), StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
    mail = Plain();
    mail.from_address = address;
    EXPECT_THAT(FormatMail(mail), StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
  const auto refused = [](std::string Mail::*part, const char* text) {
    Mail mail = Plain();
    mail.*part = text;
    EXPECT_THAT(FormatMail(mail), StatusIs(absl::StatusCode::kInvalidArgument));
  };
  for (std::string Mail::*part :
       {&Mail::subject, &Mail::from_name, &Mail::id, &Mail::language}) {
    refused(part, "x\r\nBcc: eve@evil.example");
    refused(part, "x\ny");
    refused(part, "x\ry");
    refused(part, "x\x7f");
  }
  EXPECT_TRUE(IsPlainAddress("a.b+tag_1@mail.example.co.uk"));
  EXPECT_TRUE(IsPlainAddress("o'neil@example.com"));
}

TEST(MailTest, AnAddressBeyondItsBoundsIsRefused) {
  EXPECT_TRUE(IsPlainAddress(std::string(64, 'a') + "@example.com"));
  EXPECT_FALSE(IsPlainAddress(std::string(65, 'a') + "@example.com"));
  EXPECT_FALSE(IsPlainAddress("a@" + std::string(253, 'b')));
}

TEST(MailTest, OtherThanAsciiIsEncoded) {
  Mail mail = Plain();
  mail.subject =
      "Zu Ihrer Anfrage über Daten, die wir für Sie aufbewahren: "
      "Antwort";
  mail.from_name = "Müller & Söhne";
  mail.body = "dürfen = ja\n.\n..zwei \n" + std::string(100, 'x') + "\n";
  const auto text = FormatMail(mail);
  ASSERT_OK(text);
  EXPECT_THAT(*text, HasSubstr("Subject: =?UTF-8?B?"));
  EXPECT_THAT(*text, HasSubstr("From: =?UTF-8?B?"));
  EXPECT_THAT(*text, HasSubstr("d=C3=BCrfen =3D ja\r\n=2E\r\n=2E.zwei=20\r\n"));
  size_t begin = 0;
  for (size_t end = text->find("\r\n"); end != std::string::npos;
       end = text->find("\r\n", begin)) {
    EXPECT_LE(end - begin, 78u);
    begin = end + 2;
  }
  for (const char c : *text) {
    EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  }
  EXPECT_THAT(*text, Not(HasSubstr("\n.\r\n")));
}

TEST(MailTest, ANameThatLooksEncodedIsEncoded) {
  Mail mail = Plain();
  mail.from_name = "=?UTF-8?B?eA==?=";
  const auto text = FormatMail(mail);
  ASSERT_OK(text);
  EXPECT_THAT(*text, Not(HasSubstr("eA==?= <")));
  mail.from_name = "A \"quoted\\\" name";
  EXPECT_THAT(*FormatMail(mail),
              HasSubstr("From: \"A \\\"quoted\\\\\\\" name\" <"));
}

}  // namespace
}  // namespace consentry::delivery
