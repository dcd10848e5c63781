#include "gateway/consent/notices.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/consent/ledger_request.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"
#include "proto/support/utf8.h"

namespace consentry::consent {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr size_t kMaxText = size_t{64} << 10;
constexpr uint32_t kMaxSteps = 100;
constexpr int kMaxNoticePurposes = 64;

absl::Status CheckNotice(const v1::Notice& notice) {
  RequestFaults faults;
  if (notice.ref().language().empty()) {
    faults.Add("notice.ref.language", "required");
  }
  if (notice.text().empty() || notice.text().size() > kMaxText ||
      !IsUtf8(notice.text())) {
    faults.Add("notice.text", "1 byte to 64 KiB of UTF-8");
  }
  if (!notice.ref().text_hash().empty() &&
      notice.ref().text_hash() !=
          absl::BytesToHexString(clients::Sha256(notice.text()))) {
    faults.Add("notice.ref.text_hash", "not the SHA-256 of the text");
  }
  if (notice.purposes().empty() ||
      notice.purposes_size() > kMaxNoticePurposes) {
    faults.Add("notice.purposes", "1 to 64");
  }
  if (notice.has_manifest()) {
    for (const auto& [name, steps] :
         {std::pair<const char*, uint32_t>("accept",
                                           notice.manifest().steps_to_accept()),
          {"refuse", notice.manifest().steps_to_refuse()}}) {
      if (steps == 0 || steps > kMaxSteps) {
        faults.Add(absl::StrCat("notice.manifest.steps_to_", name), "1 to 100");
      }
    }
  }
  return faults.status();
}

// As it is stored and shown: all but the text.
v1::Notice Registered(const v1::Notice& asked,
                      std::vector<std::string> purposes) {
  v1::Notice notice;
  *notice.mutable_ref() = asked.ref();
  notice.mutable_ref()->set_text_hash(
      absl::BytesToHexString(clients::Sha256(asked.text())));
  notice.set_name(absl::StrCat("notices/", asked.ref().id(), "/versions/",
                               asked.ref().version()));
  std::sort(purposes.begin(), purposes.end());
  notice.mutable_purposes()->Assign(purposes.begin(), purposes.end());
  if (asked.has_manifest()) {
    *notice.mutable_manifest() = asked.manifest();
    for (std::string& fault : ManifestFaults(asked.manifest())) {
      notice.add_faults(std::move(fault));
    }
  }
  return notice;
}

// Tags of languages are compared without regard to case (RFC 5646 2.1.1).
std::string LanguageKey(const v1::NoticeRef& ref) {
  return absl::AsciiStrToLower(ref.language());
}

// The row of (id, version, language), or none.
absl::StatusOr<std::string> FindDoc(store::Connection* connection,
                                    const v1::NoticeRef& ref) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "SELECT doc FROM notices WHERE notice = $1 AND version = "
                      "$2 AND language = $3"));
  const std::string language = LanguageKey(ref);
  query.Bind(ref.id(), static_cast<int64_t>(ref.version()), language);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? std::string(query.Blob(0)) : std::string();
}

}  // namespace

void Notices::Create(const clients::CallerContext& caller,
                     const v1::CreateNoticeRequest& request, Done done) const {
  const v1::Notice& asked = request.notice();
  if (absl::Status fault = CheckNotice(asked); !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto purposes = KnownPurposes(*options_.configuration(), asked.purposes());
  if (!purposes.ok()) {
    done(purposes.status());
    return;
  }
  v1::CreateNoticeRequest unbound = request;
  unbound.clear_request_id();
  store::Change change;
  if (!request.request_id().empty()) {
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        options_.digests->Of(clients::CanonicalBytes(unbound))};
  }
  change.apply = [this, caller, text = asked.text(),
                  notice = Registered(asked, *std::move(purposes))](
                     store::ChangeContext& context) -> absl::Status {
    v1::Notice made = notice;
    SetTime(context.now_us(), made.mutable_create_time());
    CONSENTRY_ASSIGN_OR_RETURN(const std::string held,
                               FindDoc(context.connection(), notice.ref()));
    if (held.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto insert,
          context.connection()->Prepare(
              "INSERT INTO notices (notice, version, language, change_number, "
              "doc, text) VALUES ($1, $2, $3, $4, $5, $6)"));
      const std::string language = LanguageKey(notice.ref());
      const std::string doc = clients::CanonicalBytes(made);
      insert.Bind(notice.ref().id(),
                  static_cast<int64_t>(notice.ref().version()), language,
                  context.number(), doc, text);
      CONSENTRY_RETURN_IF_ERROR(insert.Run());
      context.OnStored([book = options_.book, made] { book->Add(made); });
    } else {
      v1::Notice same;
      if (!same.ParseFromString(held)) {
        return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                         "a notice in the store is none");
      }
      *made.mutable_create_time() = same.create_time();
      if (clients::CanonicalBytes(made) != clients::CanonicalBytes(same)) {
        return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                         "this version of the notice exists in this language "
                         "with other content; give it another version");
      }
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("notice=" + notice.ref().id());
    leaf.add_details(absl::StrCat("version=", notice.ref().version()));
    leaf.add_details("language=" + notice.ref().language());
    leaf.add_details("sha256=" + notice.ref().text_hash());
    for (const std::string& fault : notice.faults()) {
      leaf.add_details("fault=" + fault);
    }
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(clients::CanonicalBytes(made));
    return absl::OkStatus();
  };
  options_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        v1::Notice notice;
        if (!notice.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
          return;
        }
        done(std::move(notice));
      });
}

absl::StatusOr<v1::ListNoticesResponse> Notices::List(
    const clients::CallerContext& caller,
    const v1::ListNoticesRequest& request) const {
  const int limit = request.page_size() == 0
                        ? kDefaultPageSize
                        : std::clamp(request.page_size(), 1, kMaxPageSize);
  const std::string query_hash =
      clients::Sha256(absl::StrCat(caller.method, "\n", request.id()));
  const int64_t now_us = options_.committer->NowUs();
  // The place after which the page begins: id, version, language.
  std::vector<std::string> after = {request.id(), "0", ""};
  if (!request.page_token().empty()) {
    const auto position = options_.page_tokens->Open(
        clients::RequesterOf(caller), query_hash, request.page_token(), now_us);
    if (position.ok()) after = absl::StrSplit(*position, '\n');
    if (!position.ok() || after.size() != 3) {
      return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                       "the page token is not of this query, or too old");
    }
  }
  int64_t version = 0;
  std::from_chars(after[1].data(), after[1].data() + after[1].size(), version);
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(
          "SELECT doc FROM notices WHERE notice > $1 OR (notice = $1 AND "
          "(version > $2 OR (version = $2 AND language > $3))) "
          "ORDER BY notice, version, language LIMIT $4"));
  query.Bind(after[0], version, after[2], int64_t{limit} + 1);
  v1::ListNoticesResponse page;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return page;
    v1::Notice notice;
    if (!notice.ParseFromArray(query.Blob(0).data(),
                               static_cast<int>(query.Blob(0).size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a notice in the store is none");
    }
    if (!request.id().empty() && notice.ref().id() != request.id()) return page;
    if (page.notices_size() == limit) break;
    *page.add_notices() = std::move(notice);
  }
  const v1::NoticeRef& last = page.notices(page.notices_size() - 1).ref();
  CONSENTRY_ASSIGN_OR_RETURN(
      *page.mutable_next_page_token(),
      options_.page_tokens->Seal(clients::RequesterOf(caller), query_hash,
                                 absl::StrCat(last.id(), "\n", last.version(),
                                              "\n", LanguageKey(last)),
                                 now_us));
  return page;
}

}  // namespace consentry::consent
