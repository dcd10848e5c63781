#include "gateway/access/select.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::access {
namespace {

using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::kStatsPurpose;
using testing::Promised;
using testing::RowBuilder;

// --- Filters, pure ---

v1::Field FieldWith(const std::string& name, int64_t number) {
  v1::Field field;
  field.set_name(name);
  field.mutable_value()->set_int_value(number);
  return field;
}

class FilterTest : public ::testing::Test {
 protected:
  bool Passes() const {
    google::protobuf::RepeatedPtrField<v1::FieldFilter> filters;
    *filters.Add() = filter_;
    return PassesFilters(filters, response_);
  }
  v1::FieldFilter filter_;
  v1::ReadSubjectResponse response_;
};

TEST_F(FilterTest, AValueThatWasNotReleasedPassesNothingButAbsence) {
  filter_.set_field("profile.points");
  filter_.mutable_equals()->set_int_value(5);
  EXPECT_FALSE(Passes());
  filter_.mutable_range()->mutable_to()->set_int_value(9);
  EXPECT_FALSE(Passes());
  filter_.set_present(true);
  EXPECT_FALSE(Passes());
  filter_.set_present(false);
  EXPECT_TRUE(Passes());
}

TEST_F(FilterTest, RangesHoldTheirBounds) {
  *response_.add_fields() = FieldWith("profile.points", 5);
  filter_.set_field("profile.points");
  const auto in = [&](int64_t from, int64_t to) {
    filter_.mutable_range()->mutable_from()->set_int_value(from);
    filter_.mutable_range()->mutable_to()->set_int_value(to);
    return Passes();
  };
  EXPECT_TRUE(in(5, 5));
  EXPECT_TRUE(in(1, 5));
  EXPECT_FALSE(in(6, 9));
  EXPECT_FALSE(in(1, 4));
  EXPECT_FALSE(in(9, 1));
}

TEST_F(FilterTest, ValuesOfDifferentTypesAreNeverEqualNorInRange) {
  *response_.add_fields() = FieldWith("profile.points", 5);
  filter_.set_field("profile.points");
  filter_.mutable_equals()->set_double_value(5);
  EXPECT_FALSE(Passes());
  filter_.mutable_equals()->set_string_value("5");
  EXPECT_FALSE(Passes());
  filter_.mutable_range()->mutable_from()->set_double_value(1);
  EXPECT_FALSE(Passes());
  filter_.Clear();
  filter_.set_field("profile.points");
  EXPECT_FALSE(Passes()) << "no test at all";
}

TEST_F(FilterTest, NothingIsInARangeWhoseBoundIsNoNumber) {
  v1::Field* field = response_.add_fields();
  field->set_name("profile.points");
  field->mutable_value()->set_double_value(5);
  filter_.set_field("profile.points");
  filter_.mutable_range()->mutable_from()->set_double_value(std::nan(""));
  EXPECT_FALSE(Passes());
}

TEST_F(FilterTest, MoneyOfAnotherCurrencyIsInNoRange) {
  v1::Record* record = response_.add_records();
  v1::Field* field = record->add_fields();
  field->set_name("order.total");
  field->mutable_value()->mutable_money_value()->set_currency("EUR");
  field->mutable_value()->mutable_money_value()->set_minor_units(500);
  filter_.set_field("order.total");
  auto* from = filter_.mutable_range()->mutable_from()->mutable_money_value();
  from->set_minor_units(100);
  from->set_currency("EUR");
  EXPECT_TRUE(Passes());
  from->set_currency("USD");
  EXPECT_FALSE(Passes());
}

TEST_F(FilterTest, OneRecordOfSeveralIsEnough) {
  for (const int64_t number : {1, 7}) {
    *response_.add_records()->add_fields() = FieldWith("order.points", number);
  }
  filter_.set_field("order.points");
  filter_.mutable_equals()->set_int_value(7);
  EXPECT_TRUE(Passes());
  filter_.mutable_equals()->set_int_value(8);
  EXPECT_FALSE(Passes());
}

// --- The walk ---

class SelectTest : public ::testing::Test, protected testing::AccessFixture {
 protected:
  using Outcome = absl::StatusOr<Released<v1::SelectSubjectsResponse>>;

  Outcome Run(const v1::SelectSubjectsRequest& request,
              const std::string& client = "stats") {
    auto [done, future] = Promised<Outcome>();
    selection().Run(As(client), request, std::move(done));
    return future.get();
  }
  v1::ErrorReason WhyNot(const v1::SelectSubjectsRequest& request,
                         const std::string& client = "stats") {
    const Outcome outcome = Run(request, client);
    return outcome.ok() ? v1::ERROR_REASON_UNSPECIFIED
                        : consentry::ReasonOf(outcome.status())
                              .value_or(v1::ERROR_REASON_INTERNAL);
  }
  static v1::SelectSubjectsRequest Question() {
    v1::SelectSubjectsRequest request;
    request.set_purpose(kStatsPurpose);
    request.add_fields("profile.tier");
    request.add_fields("profile.points");
    request.set_channel(v1::CHANNEL_INTERNAL);
    return request;
  }
  // With her tier and points.
  std::string Member(const std::string& key, const std::string& tier,
                     int64_t points) {
    RowBuilder row("profile", key);
    row.Email(key + "@example.com").Text("tier", tier).Residence("DE");
    (*row.row().mutable_values())["points"].set_int_value(points);
    return ImportOne("crm", row).subject_id;
  }
  // Every page of it.
  std::vector<std::string> All(v1::SelectSubjectsRequest request,
                               const std::string& client = "stats") {
    std::vector<std::string> ids;
    for (int pages = 0; pages < 100; ++pages) {
      Outcome outcome = Run(request, client);
      EXPECT_OK(outcome);
      if (!outcome.ok()) break;
      if (request.page_size() > 0) {
        EXPECT_LE(outcome->response.results_size(), request.page_size());
      }
      for (const auto& result : outcome->response.results()) {
        EXPECT_EQ(result.decision().effect(), v1::EFFECT_PERMIT);
        ids.push_back(result.subject_id());
      }
      if (outcome->response.next_page_token().empty()) return ids;
      request.set_page_token(outcome->response.next_page_token());
    }
    ADD_FAILURE() << "a walk without an end";
    return ids;
  }
};

TEST_F(SelectTest, PagesOfAnySizeGiveEverybodyOnce) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(Member("m" + std::to_string(i), "gold", i));
  }
  for (const int size : {0, 1, 2, 3, 7, 100}) {
    v1::SelectSubjectsRequest request = Question();
    request.set_page_size(size);
    EXPECT_EQ(All(request), ids) << size;
  }
}

TEST_F(SelectTest, WhoIsDeniedDoesNotAppear) {
  const std::string willing = Person("willing");
  Person("unasked");
  Give(willing, kLettersPurpose);
  v1::SelectSubjectsRequest request;
  request.set_purpose(kLettersPurpose);
  request.add_fields("profile.email");
  request.set_channel(v1::CHANNEL_EMAIL);
  EXPECT_EQ(All(request, "letters"), std::vector<std::string>{willing});
  Withdraw(willing);
  EXPECT_TRUE(All(request, "letters").empty());
  // They were looked at, and the log says what was not released.
  const auto leaf = Leaves().back();
  EXPECT_EQ(leaf.subjects_size(), 2);
  for (const auto& subject : leaf.subjects()) {
    EXPECT_EQ(subject.released(), 0u);
  }
}

TEST_F(SelectTest, WhatAFilterKeepsBackIsNotClaimedToBeReleased) {
  const std::string gold = Member("gold", "gold", 10);
  Member("silver", "silver", 10);
  v1::SelectSubjectsRequest request = Question();
  auto* filter = request.add_filters();
  filter->set_field("profile.tier");
  filter->mutable_equals()->set_string_value("gold");
  EXPECT_EQ(All(request), std::vector<std::string>{gold});
  int released = 0;
  for (const auto& leaf : Leaves()) {
    for (const auto& subject : leaf.subjects()) {
      if (subject.released() != 0) ++released;
    }
  }
  EXPECT_EQ(released, 1);
}

TEST_F(SelectTest, FiltersSeeReducedValuesAlone) {
  // 1234 points are told as 1200: what is asked for is what is told.
  const std::string id = Member("m", "gold", 1234);
  v1::SelectSubjectsRequest request = Question();
  auto* filter = request.add_filters();
  filter->set_field("profile.points");
  filter->mutable_equals()->set_int_value(1234);
  EXPECT_TRUE(All(request).empty());
  filter->mutable_equals()->set_int_value(1200);
  EXPECT_EQ(All(request), std::vector<std::string>{id});
}

TEST_F(SelectTest, FiltersOnWhatMayNotBeSearchedAreRefused) {
  v1::SelectSubjectsRequest request = Question();
  auto* filter = request.add_filters();
  filter->set_present(true);
  filter->set_field("profile.city");
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_FIELD_INVALID) << "not asked for";
  request.add_fields("profile.city");
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_FIELD_NOT_ALLOWED)
      << "not filterable";
  filter->set_field("profile.tier");
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_UNSPECIFIED);
  filter->clear_test();
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_FIELD_INVALID);
  filter->set_present(true);
  for (int i = 0; i < 8; ++i) *request.add_filters() = request.filters(0);
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_FIELD_INVALID) << "nine";
  request = Question();
  request.set_page_size(-1);
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(SelectTest, APageTokenIsForItsCallerAndQuestion) {
  for (int i = 0; i < 3; ++i) Member("m" + std::to_string(i), "gold", i);
  v1::SelectSubjectsRequest request = Question();
  request.set_page_size(1);
  const Outcome first = Run(request);
  ASSERT_OK(first);
  const std::string token = first->response.next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  EXPECT_EQ(WhyNot(request, "stats-2"), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  // Another size of page is the same question; another field is not.
  request.set_page_size(2);
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_UNSPECIFIED);
  v1::SelectSubjectsRequest other = request;
  other.mutable_fields()->RemoveLast();
  EXPECT_EQ(WhyNot(other), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  other = request;
  auto* filter = other.add_filters();
  filter->set_field("profile.tier");
  filter->set_present(true);
  EXPECT_EQ(WhyNot(other), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  other = request;
  other.set_want_pseudonym(true);
  EXPECT_EQ(WhyNot(other), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  // And for a day.
  clock().AdvanceUs(crypto::PageTokens::kLifetimeUs + 1);
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(SelectTest, AWalkThatIsRefusedIsRefusedInAnEmptyStoreToo) {
  v1::SelectSubjectsRequest request = Question();
  request.set_purpose(kServicePurpose);
  EXPECT_EQ(WhyNot(request), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  ASSERT_EQ(Leaves().size(), 1u);
  EXPECT_TRUE(Leaves()[0].released_nothing());
}

TEST_F(SelectTest, JoinedCustomersAppearOnce) {
  const std::string one = Member("one", "gold", 1);
  const std::string two = Member("two", "gold", 2);
  const std::string three = Member("three", "gold", 3);
  Merge(three, one);
  EXPECT_EQ(All(Question()), (std::vector<std::string>{one, two}));
}

TEST_F(SelectTest, TheBudgetBoundsAWalk) {
  v1::Client stats = ClientFor("stats", kStatsPurpose);
  stats.mutable_limits()->set_subjects_per_hour(3);
  SetClient(stats);
  for (int i = 0; i < 5; ++i) Member("m" + std::to_string(i), "gold", i);
  v1::SelectSubjectsRequest request = Question();
  request.set_page_size(1);
  std::set<std::string> seen;
  for (int i = 0; i < 5; ++i) {
    const Outcome outcome = Run(request);
    if (!outcome.ok()) {
      EXPECT_EQ(consentry::ReasonOf(outcome.status()),
                v1::ERROR_REASON_BUDGET_EXHAUSTED);
      break;
    }
    for (const auto& result : outcome->response.results()) {
      seen.insert(result.subject_id());
    }
    request.set_page_token(outcome->response.next_page_token());
  }
  EXPECT_EQ(seen.size(), 3u);
}

}  // namespace
}  // namespace consentry::access
