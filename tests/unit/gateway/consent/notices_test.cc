#include "gateway/consent/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using ::testing::ElementsAre;
using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::Promised;

class NoticesTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  NoticesTest()
      : notices_({.configuration = ledger_options().configuration,
                  .committer = committer(),
                  .readers = readers(),
                  .book = &notice_book(),
                  .page_tokens = &page_tokens(),
                  .digests = &digests()}) {}

  static v1::CreateNoticeRequest Request(const std::string& text,
                                         uint32_t version = 1,
                                         const std::string& language = "en") {
    v1::CreateNoticeRequest request;
    v1::Notice* notice = request.mutable_notice();
    notice->mutable_ref()->set_id("letters");
    notice->mutable_ref()->set_version(version);
    notice->mutable_ref()->set_language(language);
    notice->set_text(text);
    notice->add_purposes(kLettersPurpose);
    v1::InterfaceManifest* manifest = notice->mutable_manifest();
    manifest->set_steps_to_accept(1);
    manifest->set_steps_to_refuse(1);
    manifest->set_refuse_on_first_layer(true);
    manifest->set_same_prominence(true);
    return request;
  }
  absl::StatusOr<v1::Notice> Create(const v1::CreateNoticeRequest& request) {
    auto [done, future] = Promised<absl::StatusOr<v1::Notice>>();
    notices_.Create(As("operator"), request, std::move(done));
    return future.get();
  }
  v1::ConsentState GiveWith(const std::string& id, const std::string& hash,
                            const std::string& language = "en") {
    v1::RecordConsentRequest request;
    request.mutable_subject()->set_id(id);
    request.add_purposes(kLettersPurpose);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("letters");
    request.mutable_notice()->set_version(1);
    request.mutable_notice()->set_language(language);
    request.mutable_notice()->set_text_hash(hash);
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::RecordConsentResponse>>>();
    ledger().Record(As("letters"), request, std::move(done));
    auto answer = future.get();
    EXPECT_OK(answer);
    return answer.ok() ? answer->response.states(0) : v1::ConsentState();
  }
  bool MayWrite(const std::string& id) {
    return Read(As("letters"), AccessFixture::Request(id, kLettersPurpose,
                                                      {"profile.first_name"}))
               .ok() &&
           Read(As("letters"), AccessFixture::Request(id, kLettersPurpose,
                                                      {"profile.first_name"}))
                   ->decision()
                   .effect() == v1::EFFECT_PERMIT;
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }

  Notices notices_;
};

TEST_F(NoticesTest, AVersionNeverChanges) {
  const auto made = Create(Request("We write."));
  ASSERT_OK(made);
  EXPECT_EQ(made->name(), "notices/letters/versions/1");
  EXPECT_EQ(made->ref().text_hash(),
            absl::BytesToHexString(clients::Sha256("We write.")));
  EXPECT_TRUE(made->text().empty());
  const auto again = Create(Request("We write."));
  ASSERT_OK(again);
  EXPECT_EQ(again->SerializeAsString(), made->SerializeAsString());
  EXPECT_EQ(Why(Create(Request("We write more.")).status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
  auto unlike = Request("We write.");
  unlike.mutable_notice()->mutable_manifest()->set_pre_ticked(true);
  EXPECT_EQ(Why(Create(unlike).status()), v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_OK(Create(Request("Wir schreiben.", 1, "de")));
  EXPECT_OK(Create(Request("We write more.", 2)));
}

TEST_F(NoticesTest, FaultyNoticesAreRefused) {
  auto request = Request("We write.");
  request.mutable_notice()->mutable_ref()->set_text_hash(std::string(64, '0'));
  EXPECT_EQ(Why(Create(request).status()), v1::ERROR_REASON_FIELD_INVALID);
  request = Request("");
  EXPECT_EQ(Why(Create(request).status()), v1::ERROR_REASON_FIELD_INVALID);
  request = Request("We write.");
  request.mutable_notice()->clear_purposes();
  EXPECT_EQ(Why(Create(request).status()), v1::ERROR_REASON_FIELD_INVALID);
  request.mutable_notice()->add_purposes("no.such.purpose");
  EXPECT_EQ(Why(Create(request).status()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  request = Request("We write.");
  request.mutable_notice()->mutable_manifest()->set_steps_to_refuse(0);
  EXPECT_EQ(Why(Create(request).status()), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(NoticesTest, TheListIsPagedByIdVersionAndLanguage) {
  ASSERT_OK(Create(Request("b", 2)));
  ASSERT_OK(Create(Request("a", 1, "en")));
  ASSERT_OK(Create(Request("c", 1, "de")));
  auto other = Request("d", 1);
  other.mutable_notice()->mutable_ref()->set_id("another");
  ASSERT_OK(Create(other));
  std::vector<std::string> seen;
  v1::ListNoticesRequest request;
  request.set_page_size(1);
  do {
    const auto page = notices_.List(As("operator"), request);
    ASSERT_OK(page);
    for (const auto& notice : page->notices()) {
      seen.push_back(notice.ref().id() + "/" +
                     std::to_string(notice.ref().version()) + "/" +
                     notice.ref().language());
      EXPECT_TRUE(notice.text().empty());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("another/1/en", "letters/1/de", "letters/1/en",
                                "letters/2/en"));
  request.set_page_size(0);
  request.set_id("letters");
  EXPECT_EQ(notices_.List(As("operator"), request)->notices_size(), 3);
  request.set_page_token("made up");
  EXPECT_EQ(Why(notices_.List(As("operator"), request).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(NoticesTest, TheBookIsReadAgainFromTheStore) {
  auto request = Request("We write.");
  request.mutable_notice()->mutable_manifest()->set_pre_ticked(true);
  const auto made = Create(request);
  ASSERT_OK(made);
  EXPECT_THAT(made->faults(), ElementsAre("pre_ticked"));
  NoticeBook book;
  ASSERT_OK(book.Load(reader_connection()));
  store::v1::ConsentEvent event;
  event.set_notice_id("letters");
  event.set_notice_version(1);
  event.set_purpose(kLettersPurpose);
  EXPECT_EQ(book.FaultOf(event), "pre_ticked");
}

TEST_F(NoticesTest, AConsentByADeceptiveInterfaceOpensNothing) {
  auto request = Request("We write.");
  request.mutable_notice()->mutable_manifest()->set_steps_to_refuse(3);
  ASSERT_OK(Create(request));
  const std::string id = Person("anna");
  const v1::ConsentState state = GiveWith(id, "");
  EXPECT_EQ(state.status(), v1::CONSENT_STATUS_INVALIDATED);
  EXPECT_EQ(state.invalid_reason(), "refusing_takes_longer");
  EXPECT_FALSE(MayWrite(id));
}

TEST_F(NoticesTest, OnlyTheTextThatWasRegisteredCarriesAConsent) {
  ASSERT_OK(Create(Request("We write.")));
  const std::string id = Person("anna");
  const v1::ConsentState wrong =
      GiveWith(id, absl::BytesToHexString(clients::Sha256("Something else")));
  EXPECT_EQ(wrong.status(), v1::CONSENT_STATUS_INVALIDATED);
  EXPECT_EQ(wrong.invalid_reason(), "text_differs");
  EXPECT_FALSE(MayWrite(id));
  // In the same breath nothing is re-opened; she is asked again later.
  clock().AdvanceUs(1'000'000);
  const std::string other = Person("berta");
  const v1::ConsentState right =
      GiveWith(other, absl::BytesToHexString(clients::Sha256("We write.")));
  EXPECT_EQ(right.status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_TRUE(MayWrite(other));
}

}  // namespace
}  // namespace consentry::consent
