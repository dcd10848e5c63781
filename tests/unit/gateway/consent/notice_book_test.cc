#include "gateway/consent/notice_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "gateway/clients/configuration.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::InterfaceManifest Fair() {
  v1::InterfaceManifest manifest;
  manifest.set_steps_to_accept(1);
  manifest.set_steps_to_refuse(1);
  manifest.set_refuse_on_first_layer(true);
  manifest.set_same_prominence(true);
  return manifest;
}

v1::Notice NoticeOf(const std::string& language, const std::string& text) {
  v1::Notice notice;
  notice.mutable_ref()->set_id("letters");
  notice.mutable_ref()->set_version(2);
  notice.mutable_ref()->set_language(language);
  notice.mutable_ref()->set_text_hash(
      absl::BytesToHexString(clients::Sha256(text)));
  notice.add_purposes("mail");
  *notice.mutable_manifest() = Fair();
  return notice;
}

ConsentEvent Given(const std::string& language, const std::string& text) {
  ConsentEvent event;
  event.set_type(ConsentEvent::GIVEN);
  event.set_purpose("mail");
  event.set_notice_id("letters");
  event.set_notice_version(2);
  event.set_notice_language(language);
  if (!text.empty()) event.set_notice_hash(clients::Sha256(text));
  return event;
}

TEST(ManifestFaultsTest, AFairInterfaceHasNone) {
  EXPECT_THAT(ManifestFaults(Fair()), IsEmpty());
  auto manifest = Fair();
  manifest.set_steps_to_accept(3);
  EXPECT_THAT(ManifestFaults(manifest), IsEmpty())
      << "accepting may take longer";
}

TEST(ManifestFaultsTest, EachDeceptionIsNamed) {
  auto manifest = Fair();
  manifest.set_steps_to_refuse(2);
  EXPECT_THAT(ManifestFaults(manifest), ElementsAre("refusing_takes_longer"));
  manifest = Fair();
  manifest.set_pre_ticked(true);
  EXPECT_THAT(ManifestFaults(manifest), ElementsAre("pre_ticked"));
  manifest = Fair();
  manifest.set_refuse_on_first_layer(false);
  EXPECT_THAT(ManifestFaults(manifest), ElementsAre("refusal_hidden"));
  manifest = Fair();
  manifest.set_same_prominence(false);
  EXPECT_THAT(ManifestFaults(manifest), ElementsAre("refusal_less_prominent"));
}

TEST(NoticeBookTest, AnUnregisteredNoticeIsNotJudged) {
  NoticeBook book;
  EXPECT_EQ(book.FaultOf(Given("en", "text")), "");
  book.Add(NoticeOf("en", "text"));
  auto other = Given("en", "other");
  other.set_notice_version(3);
  EXPECT_EQ(book.FaultOf(other), "");
}

TEST(NoticeBookTest, TheTextShownMustBeTheOneRegistered) {
  NoticeBook book;
  book.Add(NoticeOf("en", "text"));
  book.Add(NoticeOf("de", "Text"));
  EXPECT_EQ(book.FaultOf(Given("en", "text")), "");
  EXPECT_EQ(book.FaultOf(Given("EN", "text")), "") << "tags have no case";
  EXPECT_EQ(book.FaultOf(Given("", "Text")), "") << "its hash names it";
  EXPECT_EQ(book.FaultOf(Given("", "")), "");
  EXPECT_EQ(book.FaultOf(Given("en", "Text")), "text_differs");
  EXPECT_EQ(book.FaultOf(Given("", "tampered")), "text_differs");
  EXPECT_EQ(book.FaultOf(Given("fr", "")), "language_unknown");
}

TEST(NoticeBookTest, AConsentReachesOnlyPurposesThatItsNoticeNames) {
  NoticeBook book;
  book.Add(NoticeOf("en", "text"));
  auto event = Given("en", "text");
  event.set_purpose("profiling");
  EXPECT_EQ(book.FaultOf(event), "purpose_not_named");
}

TEST(NoticeBookTest, WhereAnyTextMayHaveBeenShownEachMustCarryIt) {
  NoticeBook book;
  book.Add(NoticeOf("en", "text"));
  auto unfair = NoticeOf("de", "Text");
  unfair.mutable_manifest()->set_pre_ticked(true);
  book.Add(unfair);
  EXPECT_EQ(book.FaultOf(Given("", "")), "pre_ticked");
  EXPECT_EQ(book.FaultOf(Given("", "text")), "");
  EXPECT_EQ(book.FaultOf(Given("de", "")), "pre_ticked");
}

TEST(NoticeBookTest, ARegisteredTextIsNeverReplaced) {
  NoticeBook book;
  auto unfair = NoticeOf("en", "text");
  unfair.mutable_manifest()->set_pre_ticked(true);
  book.Add(unfair);
  book.Add(NoticeOf("en", "text"));
  EXPECT_EQ(book.FaultOf(Given("en", "text")), "pre_ticked");
}

TEST(NoticeBookTest, OnlyGrantsAreInvalidated) {
  NoticeBook book;
  book.Add(NoticeOf("en", "text"));
  for (const auto type : {ConsentEvent::GIVEN, ConsentEvent::RENEWED,
                          ConsentEvent::REFUSED, ConsentEvent::WITHDRAWN}) {
    auto event = Given("en", "tampered");
    event.set_type(type);
    book.Judge(&event);
    const bool grant =
        type == ConsentEvent::GIVEN || type == ConsentEvent::RENEWED;
    EXPECT_EQ(event.type(), grant ? ConsentEvent::INVALIDATED : type);
    EXPECT_EQ(event.invalid_reason(), grant ? "text_differs" : "");
  }
}

}  // namespace
}  // namespace consentry::consent
