#include "gateway/screening/release_note.h"

#include <google/protobuf/util/time_util.h>
#include <sodium.h>

#include <bit>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

using google::protobuf::util::TimeUtil;

constexpr absl::string_view kOutputFirstLine = "consentry output v1\n";
constexpr absl::string_view kReleaseLine = "consentry release v1";
constexpr absl::string_view kChannelPrefix = "CHANNEL_";
constexpr size_t kDigestBytes = 32;
constexpr size_t kMaxPseudonymBytes = 128;

// Writes what is there, in the order of calls.
class Canonical {
 public:
  void Text(absl::string_view path, absl::string_view value) {
    if (!value.empty()) Line(path, value);
  }
  // Of a list: there even when empty.
  void Line(absl::string_view path, absl::string_view value) {
    absl::StrAppend(&bytes_, path, " ", value.size(), ":", value, "\n");
  }
  void Int(absl::string_view path, int64_t value) {
    if (value != 0) Line(path, absl::StrCat(value));
  }
  // Its bits, since languages write numbers differently.
  void Double(absl::string_view path, double value) {
    if (value == 0) return;
    Line(path, absl::StrCat(absl::Hex(std::bit_cast<uint64_t>(value),
                                      absl::kZeroPad16)));
  }
  void Bool(absl::string_view path, bool value) {
    if (value) Line(path, "true");
  }
  void Time(absl::string_view path, const google::protobuf::Timestamp& value) {
    Line(path, TimeUtil::ToString(value));
  }
  void Amount(absl::string_view path, const v1::Money& value) {
    Line(absl::StrCat(path, ".currency"), value.currency());
    Line(absl::StrCat(path, ".minorUnits"), absl::StrCat(value.minor_units()));
  }

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_{kOutputFirstLine};
};

void AddEvidence(const v1::Evidence& evidence, Canonical* out) {
  out->Line("evidence.source", evidence.source());
  if (evidence.has_time()) out->Time("evidence.time", evidence.time());
  switch (evidence.fact_case()) {
    case v1::Evidence::kStock:
      out->Line("evidence.stock", absl::StrCat(evidence.stock()));
      break;
    case v1::Evidence::kOfferEnd:
      out->Time("evidence.offerEnd", evidence.offer_end());
      break;
    case v1::Evidence::kCount:
      out->Line("evidence.count", absl::StrCat(evidence.count()));
      break;
    case v1::Evidence::kReferencePrice:
      out->Amount("evidence.referencePrice", evidence.reference_price());
      break;
    case v1::Evidence::FACT_NOT_SET:
      break;
  }
}

std::string ChannelWord(v1::Channel channel) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(v1::Channel_Name(channel), kChannelPrefix));
}

std::optional<v1::Channel> ChannelOf(absl::string_view word) {
  v1::Channel channel;
  if (!v1::Channel_Parse(
          absl::StrCat(kChannelPrefix, absl::AsciiStrToUpper(word)),
          &channel) ||
      channel == v1::CHANNEL_UNSPECIFIED || ChannelWord(channel) != word) {
    return std::nullopt;
  }
  return channel;
}

std::string TextOf(absl::string_view name, const ReleaseTerms& terms) {
  return absl::StrCat(
      name, "\n", kReleaseLine,
      "\ndigest sha256:", absl::BytesToHexString(terms.digest), "\npseudonym ",
      terms.pseudonym, "\nchannel ", ChannelWord(terms.channel), "\nexpires ",
      TimeUtil::ToString(TimeUtil::SecondsToTimestamp(terms.expire_s)), "\n");
}

// What follows `word` and a space.
std::optional<absl::string_view> After(absl::string_view line,
                                       absl::string_view word) {
  if (!absl::ConsumePrefix(&line, word) || !absl::ConsumePrefix(&line, " ")) {
    return std::nullopt;
  }
  return line;
}

absl::Status NoRelease() {
  return absl::InvalidArgumentError("not a release of this format");
}

}  // namespace

std::string CanonicalOutput(const v1::Output& output) {
  Canonical out;
  out.Text("id", output.id());
  if (output.kind() != v1::OUTPUT_KIND_UNSPECIFIED) {
    out.Line("kind", v1::OutputKind_Name(output.kind()));
  }
  out.Text("model", output.model());
  out.Text("modelVersion", output.model_version());
  out.Text("experiment", output.experiment());
  out.Text("variant", output.variant());
  out.Text("item", output.item());
  out.Text("text", output.text());
  out.Text("language", output.language());
  for (const std::string& item : output.ranking()) out.Line("ranking", item);
  if (output.has_price()) out.Amount("price", output.price());
  if (output.has_base_price()) out.Amount("basePrice", output.base_price());
  out.Text("label", output.label());
  out.Double("score", output.score());
  out.Bool("favourable", output.favourable());
  for (const std::string& category : output.input_categories()) {
    out.Line("inputCategories", category);
  }
  out.Text("explanation", output.explanation());
  for (const v1::Evidence& evidence : output.evidence()) {
    AddEvidence(evidence, &out);
  }
  for (const std::string& disclosure : output.disclosures()) {
    out.Line("disclosures", disclosure);
  }
  if (output.has_deliver_time()) {
    out.Time("deliverTime", output.deliver_time());
  }
  return out.Take();
}

std::string OutputDigest(const v1::Output& output) {
  const std::string bytes = CanonicalOutput(output);
  std::string digest(kDigestBytes, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  return digest;
}

std::string ReleaseKeyName(std::string_view log_origin) {
  return std::string(log_origin) + "/release";
}

absl::StatusOr<v1::Release> SignRelease(const audit::Signer& signer,
                                        const ReleaseTerms& terms) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const audit::Note note,
      audit::SignNote(TextOf(signer.name(), terms), signer));
  v1::Release release;
  release.set_digest(absl::BytesToHexString(terms.digest));
  release.set_pseudonym(terms.pseudonym);
  release.set_channel(terms.channel);
  release.mutable_expire_time()->set_seconds(terms.expire_s);
  release.set_note(audit::FormatNote(note));
  return release;
}

absl::StatusOr<ReleaseTerms> ReadRelease(const audit::NoteVerifier& key,
                                         std::string_view note) {
  const auto parsed = audit::ParseNote(note);
  if (!parsed.ok()) return NoRelease();
  if (audit::CheckNote(*parsed, {&key, 1}) != audit::NoteTrust::kVerified) {
    return absl::PermissionDeniedError("the release is not signed by this key");
  }
  const std::vector<absl::string_view> lines =
      absl::StrSplit(parsed->text, '\n');
  if (lines.size() != 7 || lines[0] != key.name() || lines[1] != kReleaseLine) {
    return NoRelease();
  }
  const auto digest = After(lines[2], "digest");
  const auto pseudonym = After(lines[3], "pseudonym");
  const auto channel = After(lines[4], "channel");
  const auto expires = After(lines[5], "expires");
  if (!digest || !pseudonym || !channel || !expires ||
      pseudonym->size() > kMaxPseudonymBytes) {
    return NoRelease();
  }
  ReleaseTerms terms;
  absl::string_view hex = *digest;
  if (!absl::ConsumePrefix(&hex, "sha256:") || hex.size() != 2 * kDigestBytes) {
    return NoRelease();
  }
  terms.digest = absl::HexStringToBytes(hex);
  terms.pseudonym = std::string(*pseudonym);
  const auto known = ChannelOf(*channel);
  google::protobuf::Timestamp time;
  if (!known || !TimeUtil::FromString(std::string(*expires), &time)) {
    return NoRelease();
  }
  terms.channel = *known;
  terms.expire_s = time.seconds();
  // Nothing but what SignRelease writes.
  if (TextOf(key.name(), terms) != parsed->text) return NoRelease();
  return terms;
}

absl::Status CheckRelease(const audit::NoteVerifier& key, std::string_view note,
                          const v1::Output& output, std::string_view pseudonym,
                          v1::Channel channel, int64_t now_s) {
  CONSENTRY_ASSIGN_OR_RETURN(const ReleaseTerms terms, ReadRelease(key, note));
  const char* differs = nullptr;
  if (terms.digest != OutputDigest(output)) {
    differs = "the output";
  } else if (terms.pseudonym != pseudonym) {
    differs = "the customer";
  } else if (terms.channel != channel) {
    differs = "the channel";
  } else if (now_s >= terms.expire_s ||
             (output.has_deliver_time() &&
              now_s < output.deliver_time().seconds())) {
    differs = "the time";
  }
  if (differs == nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the release is not for this: ", differs));
}

}  // namespace consentry::screening
