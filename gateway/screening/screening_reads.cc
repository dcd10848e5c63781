#include "gateway/screening/screening_reads.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/access/output_decision.h"
#include "gateway/access/read_leaf.h"
#include "gateway/clients/caller_context.h"
#include "gateway/screening/screening_words.h"
#include "gateway/screening/shown_prices.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr int kDefaultPage = 50;
constexpr size_t kMaxShown = 200;
constexpr size_t kRowsAtOnce = 256;
constexpr int64_t kCaseSpanUs = 90 * kUsPerDay;

absl::Status NoScreening() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no screening has this id");
}

absl::Status BadToken() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not one of this question");
}

// What of the question a page token is bound to.
std::string ListQuery(v1::ListScreeningsRequest request) {
  request.clear_page_token();
  request.clear_page_size();
  request.clear_context();
  return "screening.list/" + clients::CanonicalBytes(request);
}

}  // namespace

absl::StatusOr<v1::Screening> ScreeningReads::ShowOne(
    store::Connection* connection, ScreeningRow row, bool with_words,
    access::AnswerEntry* entry) const {
  std::shared_ptr<const vault::CachedSubject> subject;
  if (row.subject != 0) {
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = parts_->committer->LastStored();
    const auto head =
        parts_->subjects->ReadHead(connection, row.subject, options);
    if (absl::IsNotFound(head.status())) return NoScreening();
    CONSENTRY_RETURN_IF_ERROR(head.status());
    subject = *head;
  }
  v1::Screening shown = ShowScreening(
      row.doc, subject == nullptr ? "" : subject->head().public_id());
  const crypto::SubjectKeys* const keys =
      subject == nullptr ? nullptr : &subject->keys();
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto outcomes,
      parts_->outcomes->List(connection, row.output_key, keys));
  for (const v1::Outcome& outcome : outcomes) {
    *shown.add_outcomes() = outcome;
    shown.mutable_outcomes()->rbegin()->set_output(row.doc.id());
  }
  if (with_words && subject != nullptr) {
    const auto grant = access::ReviewGrant(parts_->configuration()->bundle());
    if (grant.ok()) {
      CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                                 parts_->rows->OpenOutput(*grant, row));
      if (!shown.mutable_output()->ParseFromString(words.output())) {
        return CorruptScreening();
      }
      entry->leaf.set_purpose(std::string(grant->purpose()));
    }
  }
  entry->Tell(subject.get(), parts_->log_origin, entry->leaf.time_us());
  return shown;
}

void ScreeningReads::Get(const access::Caller& caller,
                         const v1::GetScreeningRequest& request,
                         access::Done<v1::Screening> done) {
  access::AnswerAudited<v1::Screening>(
      answers(), caller,
      [this, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::Screening> {
        const auto parsed = crypto::ParseId(crypto::IdKind::kScreening, id);
        if (!parsed.ok()) return NoScreening();
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(ScreeningRow row,
                                   parts_->rows->Read(lease.get(), *parsed));
        entry->leaf.add_details("screening=" + id);
        return ShowOne(lease.get(), std::move(row), /*with_words=*/true, entry);
      },
      std::move(done));
}

absl::StatusOr<std::vector<std::shared_ptr<const vault::CachedSubject>>>
ScreeningReads::FindGroup(store::Connection* connection,
                          const access::Caller& caller,
                          const v1::SubjectRef& ref) const {
  const absl::Status unknown =
      MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                "no such customer, or not open to this caller");
  CONSENTRY_ASSIGN_OR_RETURN(
      const access::SubjectName name,
      access::NameOf(*parts_->subjects, *parts_->tokens, caller, ref));
  std::optional<uint64_t> subject = name.subject;
  if (name.subject == 0) {
    CONSENTRY_ASSIGN_OR_RETURN(subject,
                               parts_->subjects->Resolve(connection, name.key));
  }
  if (!subject) return unknown;
  vault::SubjectReader::HeadOptions options;
  options.as_of_change = parts_->committer->LastStored();
  options.past_cache = true;
  auto group = parts_->subjects->ReadGroup(connection, *subject, options);
  if (absl::IsNotFound(group.status())) return unknown;
  return group;
}

absl::StatusOr<std::vector<ScreeningRow>> ScreeningReads::ListAny(
    store::Connection* connection, const std::vector<ScreeningFilter>& filters,
    int64_t before, size_t limit, int64_t* last) const {
  std::vector<ScreeningRow> rows;
  // Rows from here on are known of all.
  int64_t known_from = 0;
  for (const ScreeningFilter& filter : filters) {
    int64_t seen = 0;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto found,
        parts_->rows->List(connection, filter, before, limit, &seen));
    known_from = std::max(known_from, seen);
    std::move(found.begin(), found.end(), std::back_inserter(rows));
  }
  std::sort(
      rows.begin(), rows.end(),
      [](const ScreeningRow& a, const ScreeningRow& b) { return a.no > b.no; });
  while (!rows.empty() && rows.back().no < known_from) rows.pop_back();
  *last = known_from;
  if (rows.size() > limit) {
    rows.resize(limit);
    *last = rows.back().no;
  }
  return rows;
}

void ScreeningReads::List(const access::Caller& caller,
                          const v1::ListScreeningsRequest& request,
                          access::Done<v1::ListScreeningsResponse> done) {
  access::AnswerAudited<v1::ListScreeningsResponse>(
      answers(), caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListScreeningsResponse> {
        const int64_t now_us = entry->leaf.time_us();
        const std::string who = clients::RequesterOf(caller);
        int64_t before = 0;
        if (!request.page_token().empty()) {
          const auto position = page_tokens_->Open(
              who, ListQuery(request), request.page_token(), now_us);
          if (!position.ok() || !absl::SimpleAtoi(*position, &before)) {
            return BadToken();
          }
        }
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
        ScreeningFilter filter;
        filter.model = request.model();
        filter.verdict = request.verdict();
        if (request.has_from_time()) {
          filter.first_hour = MicrosOf(request.from_time()) / kUsPerHour;
        }
        if (request.has_to_time()) {
          filter.end_hour = MicrosOf(request.to_time()) / kUsPerHour + 1;
        }
        std::vector<ScreeningFilter> filters;
        if (request.has_subject()) {
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto group,
              FindGroup(lease.get(), caller, request.subject()));
          for (const auto& member : group) {
            filters.push_back(filter);
            filters.back().subject = member->subject();
          }
        } else {
          filters.push_back(filter);
        }
        const size_t size = static_cast<size_t>(
            request.page_size() == 0 ? kDefaultPage : request.page_size());
        v1::ListScreeningsResponse page;
        // An entry holds 256 customers.
        const size_t most = std::min(size, access::kSubjectsPerLeaf);
        int64_t last = before;
        bool more = true;
        while (more && static_cast<size_t>(page.screenings_size()) < most) {
          const int64_t from = last;
          CONSENTRY_ASSIGN_OR_RETURN(
              auto rows,
              ListAny(lease.get(), filters, from,
                      most - static_cast<size_t>(page.screenings_size()),
                      &last));
          more = last != 0;
          for (ScreeningRow& row : rows) {
            // Hours are rounded.
            if ((request.has_from_time() &&
                 row.doc.time_us() < MicrosOf(request.from_time())) ||
                (request.has_to_time() &&
                 row.doc.time_us() >= MicrosOf(request.to_time()))) {
              continue;
            }
            auto shown = ShowOne(lease.get(), std::move(row),
                                 /*with_words=*/false, entry);
            if (ReasonOf(shown.status()) == v1::ERROR_REASON_NOT_FOUND) {
              continue;
            }
            CONSENTRY_RETURN_IF_ERROR(shown.status());
            *page.add_screenings() = *std::move(shown);
          }
        }
        if (more) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              page_tokens_->Seal(who, ListQuery(request), absl::StrCat(last),
                                 now_us));
        }
        return page;
      },
      std::move(done));
}

// Amounts that others were shown on the days and at the places at which she was
// shown one. Each customer counts once for a day, place and amount.
absl::Status ScreeningReads::CountOthers(
    store::Connection* connection, const std::vector<uint64_t>& subjects,
    const std::string& item, const std::vector<store::v1::ScreeningDoc>& own,
    v1::OutputCase* found) const {
  std::set<std::pair<int64_t, std::string>> there;
  for (const store::v1::ScreeningDoc& doc : own) {
    if (!doc.has_price()) continue;
    for (const store::v1::CountedPrice& one : doc.counted()) {
      there.insert({one.time_us() / kUsPerDay, one.place()});
    }
    // Counted with another output of that day.
    if (doc.counted().empty()) {
      there.insert({doc.time_us() / kUsPerDay, doc.place()});
    }
  }
  const ShownPrices prices(parts_->rows, parts_->items);
  std::map<std::pair<std::string, int64_t>, int64_t> counts;
  for (const auto& [day, place] : there) {
    // A row reaches to the end of its day.
    const int64_t time_us = (day + 1) * kUsPerDay - 1;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto shown,
        parts_->items->Shown(connection, item, time_us, place));
    if (shown.more() > 0) found->set_suppressed(true);
    for (const auto& count : shown.counts()) {
      counts[{count.currency(), count.minor_units()}] += count.count();
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto hers, prices.Counted(connection, subjects, item, time_us));
    for (const store::v1::CountedPrice& one : hers) {
      if (one.place() == place) {
        --counts[{one.currency(), one.minor_units()}];
      }
    }
  }
  for (const auto& [amount, count] : counts) {
    if (count <= 0) continue;
    if (count < kSmallestGroup) {
      found->set_suppressed(true);
      continue;
    }
    v1::OutputCount* others = found->add_others();
    others->mutable_price()->set_currency(amount.first);
    others->mutable_price()->set_minor_units(amount.second);
    others->set_count(count);
  }
  return absl::OkStatus();
}

void ScreeningReads::GetCase(const access::Caller& caller,
                             const v1::GetCaseRequest& request,
                             access::Done<v1::OutputCase> done) {
  access::AnswerAudited<v1::OutputCase>(
      answers(), caller,
      [this, caller,
       request](access::AnswerEntry* entry) -> absl::StatusOr<v1::OutputCase> {
        const int64_t now_us = entry->leaf.time_us();
        const int64_t from_us = request.has_from_time()
                                    ? MicrosOf(request.from_time())
                                    : now_us - kCaseSpanUs;
        const int64_t to_us =
            request.has_to_time() ? MicrosOf(request.to_time()) : now_us + 1;
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto group,
            FindGroup(lease.get(), caller, request.subject()));
        std::vector<ScreeningRow> rows;
        std::vector<uint64_t> subjects;
        for (const auto& member : group) {
          subjects.push_back(member->subject());
          ScreeningFilter filter;
          filter.subject = member->subject();
          filter.verdict = v1::VERDICT_RELEASED;
          filter.item = request.item();
          filter.first_hour = std::max<int64_t>(0, from_us / kUsPerHour);
          filter.end_hour = to_us / kUsPerHour + 1;
          for (int64_t last = 0;;) {
            const int64_t before = last;
            CONSENTRY_ASSIGN_OR_RETURN(
                auto found, parts_->rows->List(lease.get(), filter, before,
                                               kRowsAtOnce, &last));
            for (ScreeningRow& row : found) {
              if (row.doc.item() == request.item() &&
                  row.doc.time_us() >= from_us && row.doc.time_us() < to_us) {
                rows.push_back(std::move(row));
              }
            }
            if (last == 0) break;
          }
        }
        std::sort(rows.begin(), rows.end(),
                  [](const ScreeningRow& a, const ScreeningRow& b) {
                    return a.no < b.no;
                  });
        v1::OutputCase found;
        std::vector<store::v1::ScreeningDoc> own;
        for (const ScreeningRow& row : rows) own.push_back(row.doc);
        CONSENTRY_RETURN_IF_ERROR(
            CountOthers(lease.get(), subjects, request.item(), own, &found));
        // The latest, where there are more.
        const size_t first =
            rows.size() > kMaxShown ? rows.size() - kMaxShown : 0;
        for (size_t i = first; i < rows.size(); ++i) {
          CONSENTRY_ASSIGN_OR_RETURN(
              ScreeningRow whole,
              parts_->rows->ReadByNumber(lease.get(), rows[i].no));
          CONSENTRY_ASSIGN_OR_RETURN(*found.add_shown(),
                                     ShowOne(lease.get(), std::move(whole),
                                             /*with_words=*/true, entry));
        }
        if (rows.empty()) {
          entry->Tell(group[0].get(), parts_->log_origin, now_us);
        }
        return found;
      },
      std::move(done));
}

}  // namespace consentry::screening
