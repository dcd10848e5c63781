#include "gateway/screening/pressure_words.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace consentry::screening {
namespace {

constexpr absl::string_view kCharged = "charged=";
constexpr absl::string_view kRefused = "refused=";

// A purpose's own name may hold the separator: it is the last part.
template <class... Numbers>
bool Split(absl::string_view text, std::string* last, Numbers*... numbers) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', sizeof...(numbers)));
  if (parts.size() != sizeof...(numbers) + 1) return false;
  size_t i = 0;
  const bool all = (absl::SimpleAtoi(parts[i++], numbers) && ...);
  *last = std::string(parts.back());
  return all;
}

}  // namespace

std::string ChargeDetail(int subject, const conduct::Contact& contact) {
  return absl::StrCat(kCharged, subject, "/", int{contact.purpose_class}, "/",
                      int{contact.channel}, "/", contact.pressing ? 1 : 0, "/",
                      contact.time_us, "/", contact.decided_us, "/",
                      contact.purpose);
}

std::string RefusalDetail(int subject, const conduct::Refusal& refusal) {
  return absl::StrCat(kRefused, subject, "/", int{refusal.channel}, "/",
                      refusal.time_us, "/", refusal.purpose);
}

std::optional<ToldPressure> ParsePressureDetail(std::string_view detail) {
  absl::string_view text(detail.data(), detail.size());
  ToldPressure told;
  int channel = 0;
  if (absl::ConsumePrefix(&text, kCharged)) {
    conduct::Contact contact;
    int purpose_class = 0;
    int pressing = 0;
    if (!Split(text, &contact.purpose, &told.subject, &purpose_class, &channel,
               &pressing, &contact.time_us, &contact.decided_us)) {
      return std::nullopt;
    }
    contact.purpose_class = static_cast<policy::PurposeClass>(purpose_class);
    contact.channel = static_cast<policy::Channel>(channel);
    contact.pressing = pressing != 0;
    told.what = std::move(contact);
    return told;
  }
  if (absl::ConsumePrefix(&text, kRefused)) {
    conduct::Refusal refusal;
    if (!Split(text, &refusal.purpose, &told.subject, &channel,
               &refusal.time_us)) {
      return std::nullopt;
    }
    refusal.channel = static_cast<policy::Channel>(channel);
    told.what = std::move(refusal);
    return told;
  }
  return std::nullopt;
}

}  // namespace consentry::screening
