#include "policy/engine/explain.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/engine/check.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::LawfulBasis;
using config::v1::Mode;

struct Wording {
  Reason reason;
  const char* step;
  const char* text;
};

// In the order of SPEC.md.
constexpr std::array kWordings = {
    Wording{v1::ERROR_REASON_FIELD_NOT_ALLOWED, "purpose",
            "the purpose does not need it"},
    Wording{v1::ERROR_REASON_CHANNEL_NOT_ALLOWED, "purpose",
            "the purpose does not use this channel"},
    Wording{v1::ERROR_REASON_SUBJECT_ERASED, "restriction",
            "the subject was erased, or an erasure is decided"},
    Wording{v1::ERROR_REASON_SUBJECT_RESTRICTED, "restriction",
            "use of the subject's data is restricted"},
    Wording{v1::ERROR_REASON_OBJECTED, "choices",
            "the subject objected to this use"},
    Wording{v1::ERROR_REASON_OPTED_OUT, "choices",
            "the subject, or a signal of hers, opted out of this use"},
    Wording{v1::ERROR_REASON_MINOR, "age",
            "the subject is too young for this use as it stands"},
    Wording{v1::ERROR_REASON_NO_LAWFUL_BASIS, "basis",
            "no lawful basis carries this use"},
    Wording{v1::ERROR_REASON_CONSENT_WITHDRAWN, "consent",
            "consent to this purpose was withdrawn"},
    Wording{v1::ERROR_REASON_CONSENT_REFUSED, "consent",
            "consent to this purpose was refused"},
    Wording{v1::ERROR_REASON_CONSENT_EXPIRED, "consent",
            "consent to this purpose has expired"},
    Wording{v1::ERROR_REASON_CONSENT_INVALID, "consent",
            "the consent on record does not prove what is needed"},
    Wording{v1::ERROR_REASON_CONSENT_UNCERTAIN, "consent",
            "the consent on record is in doubt"},
    Wording{v1::ERROR_REASON_CONSENT_MISSING, "consent",
            "there is no consent to this purpose"},
    Wording{v1::ERROR_REASON_SPECIAL_CATEGORY, "sensitive",
            "it is sensitive, and what opens it is missing"},
    Wording{v1::ERROR_REASON_TRANSFER_NOT_ALLOWED, "transfer",
            "the transfer to the recipient's country has no safeguard"},
    Wording{v1::ERROR_REASON_CONTEXT_NOT_FOUND, "context",
            "the context that the purpose requires was not found"},
    Wording{v1::ERROR_REASON_RETENTION_EXPIRED, "retention",
            "it is past its retention"},
    Wording{v1::ERROR_REASON_REVIEW_REQUIRED, "automated_decision",
            "a person has to decide"},
    Wording{v1::ERROR_REASON_OWNER_FORBIDS, "owner",
            "the business's own policy forbids it"},
    Wording{
        v1::ERROR_REASON_FORBID_UNDECIDED, "outcome",
        "a fact that a prohibition rests on could not be read, so it holds"},
};

constexpr std::array<const char*, 8> kStatusNames = {
    "",          "none on record", "given",       "refused",
    "withdrawn", "expired",        "invalidated", "in doubt"};
constexpr std::array<const char*, 6> kActorNames = {
    "nobody",   "the subject", "a guardian",
    "an agent", "a signal",    "what a system attests"};

constexpr Wording kUnworded = {v1::ERROR_REASON_UNSPECIFIED, "outcome", ""};

size_t PositionOf(Reason reason) {
  const auto it =
      std::find_if(kWordings.begin(), kWordings.end(),
                   [&](const Wording& w) { return w.reason == reason; });
  return static_cast<size_t>(it - kWordings.begin());
}

const Wording& WordingAt(size_t position) {
  return position < kWordings.size() ? kWordings[position] : kUnworded;
}

absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

// LEGITIMATE_INTEREST -> "legitimate interest".
std::string Plain(std::string name) {
  for (char& c : name) {
    c = c == '_' ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return name;
}

class Explainer {
 public:
  Explainer(const Bundle& bundle, const SubjectFacts& facts,
            const DecisionRequest& request, const Decision& decision)
      : bundle_(bundle),
        t_(bundle.tables()),
        facts_(facts),
        request_(request),
        decision_(decision),
        purpose_(bundle.purpose(request.purpose)) {}

  Explanation Run() {
    Add("purpose", kNoRule,
        absl::StrCat(purpose_.key(), " is ",
                     Plain(config::v1::PurposeClass::Value_Name(
                         purpose_.purpose_class())),
                     ", asked by channel ",
                     Plain(config::v1::Channel::Value_Name(request_.channel))));
    Regimes();
    for (const RegimeId regime : decision_.regimes) Basis(regime);
    Consent();
    Fields();
    Outcome();
    return std::move(out_);
  }

 private:
  void Add(std::string step, RuleId rule, std::string text) {
    const RuleText info = bundle_.rule(rule);
    // A rule's note is told once.
    if (!info.note.empty() && !IsNamed(rule)) {
      absl::StrAppend(&text, " (", View(info.note), ")");
    }
    ExplanationStep& added = out_.steps.emplace_back();
    added.step = std::move(step);
    added.text = std::move(text);
    added.rule = std::string(info.id);
    added.citation = std::string(info.citation);
    added.checked = info.evidence == config::v1::Evidence::CHECKED;
  }

  // Whether an earlier step has named the rule.
  bool IsNamed(RuleId rule) const {
    const std::string_view id = bundle_.rule(rule).id;
    return std::any_of(out_.steps.begin(), out_.steps.end(),
                       [&](const ExplanationStep& s) { return s.rule == id; });
  }

  void Regimes() {
    if (decision_.regimes.empty()) {
      Add("regimes", kNoRule,
          (facts_.unreadable & kUnreadableResidence) != 0
              ? "which law applies could not be read"
              : "no law that is loaded applies");
      return;
    }
    if (facts_.residences.empty()) {
      Add("regimes", kNoRule,
          "residence is unknown: home and markets of the business are "
          "assumed");
    }
    for (const RegimeId regime : decision_.regimes) {
      Add("regimes", AttachRowOf(regime),
          absl::StrCat(bundle_.regime(regime), " applies"));
    }
  }

  // The first row, by id, by which the regime attaches.
  RuleId AttachRowOf(RegimeId regime) const {
    const config::v1::Pack& pack = bundle_.pack(regime);
    RuleId first = kNoRule;
    for (const auto& row : pack.attach()) {
      const Validity validity = ValidityOf(pack, row.rule());
      if (request_.time_us < validity.from_us ||
          request_.time_us >= validity.to_us || !RowAttaches(pack, row)) {
        continue;
      }
      const auto id =
          bundle_.FindRule(absl::StrCat(pack.id(), "/", row.rule().id()));
      first = std::min(first, id.value_or(kNoRule));
    }
    return first;
  }

  bool RowAttaches(const config::v1::Pack& pack,
                   const config::v1::AttachRule& row) const {
    const auto& profile = bundle_.profile();
    std::vector<std::string> seats(profile.establishments().begin(),
                                   profile.establishments().end());
    seats.push_back(profile.home());
    const std::vector<std::string> markets(profile.markets().begin(),
                                           profile.markets().end());
    std::vector<std::string> residences;
    for (const JurisdictionId place : facts_.residences.empty()
                                          ? t_.assumed_residences
                                          : facts_.residences) {
      residences.push_back(t_.places.Code(place));
    }
    std::vector<std::string> anywhere = residences;
    for (const JurisdictionId place : facts_.locations) {
      anywhere.push_back(t_.places.Code(place));
    }
    const auto holds =
        [&](const google::protobuf::RepeatedPtrField<std::string>& codes,
            const std::vector<std::string>& have) {
          if (codes.empty()) return true;
          for (const std::string& code : ExpandPlaces(pack, codes)) {
            for (const std::string& place : have) {
              if (Matches(code, place)) return true;
            }
          }
          return false;
        };
    const bool thresholds =
        std::all_of(row.thresholds().begin(), row.thresholds().end(),
                    [&](const std::string& t) {
                      return std::find(profile.thresholds().begin(),
                                       profile.thresholds().end(),
                                       t) != profile.thresholds().end();
                    });
    return thresholds && holds(row.established_in(), seats) &&
           holds(row.markets(), markets) &&
           holds(row.residence(), residences) &&
           holds(row.residence_or_location(), anywhere);
  }

  void Basis(RegimeId regime) {
    const auto span = static_cast<size_t>(
        std::upper_bound(t_.boundaries.begin(), t_.boundaries.end(),
                         request_.time_us) -
        t_.boundaries.begin());
    const RegimeVersion& version =
        t_.versions[t_.version_of[span][Index(regime)]];
    const UseCell& use =
        version.uses[purpose_.purpose_class()][request_.channel];
    const std::string& id = bundle_.regime(regime);
    if (use.rule == kNoRule) {
      Add("basis", kNoRule,
          absl::StrCat(id,
                       " has no rule that permits this class of use by "
                       "this channel"));
    } else {
      Add("basis", use.rule, absl::StrCat(id, " asks: ", ModeText(use.mode)));
    }
    bool declared = false;
    for (const config::v1::Basis& basis : purpose_.bases()) {
      if (std::find(basis.regimes().begin(), basis.regimes().end(), id) ==
          basis.regimes().end()) {
        continue;
      }
      declared = true;
      std::string text =
          absl::StrCat("under ", id, " the purpose stands on ",
                       Plain(LawfulBasis::Value_Name(basis.basis())));
      if (basis.fields_size() > 0) {
        absl::StrAppend(&text, " for ", absl::StrJoin(basis.fields(), ", "));
      }
      for (size_t b = 0; b < t_.bases.size(); ++b) {
        if (t_.bases[b].basis == &basis) {
          absl::StrAppend(
              &text, ": ",
              bundle_.basis_document(BasisId{static_cast<uint16_t>(b)}));
        }
      }
      Add("basis", kNoRule, std::move(text));
    }
    if (!declared) {
      Add("basis", kNoRule,
          absl::StrCat("the purpose declares no basis under ", id));
    }
  }

  static std::string ModeText(uint8_t mode) {
    switch (mode) {
      case Mode::DENY:
        return "never";
      case Mode::OPT_IN:
        return "a consent first";
      case Mode::OPT_IN_EXPLICIT:
        return "an explicit consent first";
      case Mode::SOFT_OPT_IN:
        return "a consent first, or the soft opt-in of existing customers";
      case Mode::OPT_OUT:
        return "permitted until the subject opts out";
      case Mode::NOTICE:
        return "permitted with notice";
      default:
        return "what the declared basis asks for";
    }
  }

  void Consent() {
    if (decision_.consent < 0) return;
    const ConsentFact& fact =
        facts_.consents[static_cast<size_t>(decision_.consent)];
    std::string text = absl::StrCat(
        "consent to the purpose: ",
        kStatusNames[static_cast<size_t>(fact.status) % kStatusNames.size()]);
    if (fact.actor != ConsentActor::kNone) {
      absl::StrAppend(
          &text, ", by ",
          kActorNames[static_cast<size_t>(fact.actor) % kActorNames.size()]);
    }
    if (fact.explicit_statement) absl::StrAppend(&text, ", explicitly");
    if (fact.parental_authorisation) {
      absl::StrAppend(&text, ", authorised by a parent");
    }
    if (!fact.event_id.empty()) {
      absl::StrAppend(&text, ", event ", fact.event_id);
    }
    Add("consent", kNoRule, std::move(text));
  }

  void Fields() {
    std::map<std::pair<size_t, RuleId>, std::vector<std::string>> withheld;
    std::map<Transform, std::vector<std::string>> released;
    for (const FieldDecision& field : decision_.fields) {
      const std::string& name = bundle_.field_name(field.field);
      if (field.permitted) {
        released[field.transform].push_back(name);
      } else {
        withheld[{PositionOf(field.reason), field.rule}].push_back(name);
      }
    }
    if (decision_.fields.empty() && !decision_.permitted) {
      withheld[{PositionOf(decision_.reason), decision_.rule}];
    }
    for (const auto& [key, names] : withheld) {
      const Wording& wording = WordingAt(key.first);
      Add(wording.step, key.second,
          absl::StrCat(names.empty() ? "denied"
                                     : "withheld " + absl::StrJoin(names, ", "),
                       ": ", wording.text));
    }
    for (const RuleId rule : decision_.rules) {
      if (!decision_.permitted || IsNamed(rule)) continue;
      Add("basis", rule, "also spoke and permits");
    }
    for (const auto& [transform, names] : released) {
      Add("outcome", kNoRule,
          absl::StrCat(
              "released ", absl::StrJoin(names, ", "),
              transform == config::v1::Transform::NONE
                  ? ""
                  : " reduced to " +
                        Plain(config::v1::Transform::Value_Name(transform))));
    }
  }

  void Outcome() {
    if (decision_.permitted) {
      if ((decision_.obligations &
           (kOweHumanOnRequest | kOweHumanBeforeEffect)) != 0) {
        Add("automated_decision", kNoRule,
            "a person who can change it must be reachable");
      }
      Add("outcome", kNoRule, "permitted");
      return;
    }
    Add("outcome", decision_.rule,
        absl::StrCat("denied: ", WordingAt(PositionOf(decision_.reason)).text));
  }

  const Bundle& bundle_;
  const BundleTables& t_;
  const SubjectFacts& facts_;
  const DecisionRequest& request_;
  const Decision& decision_;
  const config::v1::Purpose& purpose_;
  Explanation out_;
};

}  // namespace

std::string Explanation::ToText() const {
  std::string out;
  for (const ExplanationStep& step : steps) {
    absl::StrAppend(&out, step.step, ": ", step.text);
    if (!step.rule.empty()) {
      absl::StrAppend(&out, " [", step.rule, ": ", step.citation,
                      step.checked ? "" : ", not checked", "]");
    }
    out += '\n';
  }
  return out;
}

Explanation Explain(const Bundle& bundle, const SubjectFacts& facts,
                    const DecisionRequest& request, const Decision& decision) {
  return Explainer(bundle, facts, request, decision).Run();
}

}  // namespace consentry::policy
