#include "policy/signals/gpp.h"

#include <algorithm>
#include <utility>

#include "policy/signals/bit_reader.h"
#include "policy/signals/signal_error.h"

namespace consentry::signals {
namespace {

constexpr uint64_t kHeaderType = 3;
constexpr uint64_t kHeaderVersion = 1;
constexpr uint16_t kTcfEu = 2;
constexpr uint16_t kHeaderSection = 3;
constexpr uint16_t kUsp = 6;
constexpr std::string_view kHeader = "gpp.header";
constexpr std::string_view kIds = "SectionIds";

// Ids in ascending order; no more than `most`, whatever the ranges say.
std::vector<uint16_t> ReadIds(BitReader* reader, size_t most) {
  std::vector<uint16_t> ids;
  const uint64_t groups = reader->Read(12, kIds);
  uint64_t last = 0;
  for (uint64_t i = 0; i < groups && reader->ok(); ++i) {
    const bool is_range = reader->ReadFlag(kIds);
    const uint64_t first = last + reader->ReadFibonacci(kIds);
    last = is_range ? first + reader->ReadFibonacci(kIds) : first;
    if (!reader->ok()) break;
    if (last > 0xffff) {
      reader->Refuse(Fault::kValue, kIds);
    } else if (ids.size() + (last - first + 1) > most) {
      reader->Refuse(Fault::kSectionCount, kIds);
    } else if (first <= kHeaderSection && last >= kHeaderSection) {
      reader->Refuse(Fault::kValue, kIds);
    } else {
      for (uint64_t id = first; id <= last; ++id) {
        ids.push_back(static_cast<uint16_t>(id));
      }
    }
  }
  return ids;
}

absl::Status ReadContent(std::string_view text, size_t offset,
                         GppSection* section) {
  if (section->id == kTcfEu) {
    section->name = "tcfeuv2";
    auto tc = DecodeTcf(text, offset);
    if (!tc.ok()) return tc.status();
    section->content = *std::move(tc);
  } else if (section->id == kUsp) {
    section->name = "uspv1";
    auto usp = DecodeUsp(text, offset);
    if (!usp.ok()) return usp.status();
    section->content = *usp;
  } else {
    const auto layouts = UsLayouts();
    const auto layout = std::find_if(
        layouts.begin(), layouts.end(),
        [&](const UsLayout& known) { return known.section == section->id; });
    if (layout == layouts.end()) {
      for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '.') continue;
        BitReader character(text.substr(i, 1), offset + i, "gpp.section");
        if (!character.ok()) return ToStatus(character.error());
      }
      return absl::OkStatus();
    }
    section->name = layout->name;
    auto us = DecodeUs(section->id, text, offset);
    if (!us.ok()) return us.status();
    section->content = *std::move(us);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GppString> DecodeGpp(std::string_view text) {
  if (text.empty()) return ToStatus({Fault::kFormat, "gpp", 0, 0});
  if (text.size() > kMaxSignalBytes) {
    return ToStatus({Fault::kTooLong, "gpp", 0, 0});
  }
  const auto parts =
      static_cast<size_t>(std::count(text.begin(), text.end(), '~'));
  size_t end = text.find('~');
  BitReader header(text.substr(0, end), 0, kHeader);
  if (header.Read(6, "Type") != kHeaderType) {
    header.Refuse(Fault::kFormat, "Type");
  }
  if (header.Read(6, "Version") != kHeaderVersion) {
    header.Refuse(Fault::kVersion, "Version");
  }
  const std::vector<uint16_t> ids =
      ReadIds(&header, std::min(parts, kMaxGppSections));
  header.ExpectEnd();
  if (!header.ok()) return ToStatus(header.error());
  if (ids.size() != parts) {
    return ToStatus(
        {Fault::kSectionCount, std::string(kHeader), text.size(), 0});
  }
  GppString gpp;
  for (const uint16_t id : ids) {
    const size_t begin = end + 1;
    end = text.find('~', begin);
    GppSection section;
    section.id = id;
    section.raw = std::string(
        text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (section.raw.empty()) {
      return ToStatus({Fault::kTruncated, "gpp.section", begin, 0});
    }
    if (absl::Status fault = ReadContent(section.raw, begin, &section);
        !fault.ok()) {
      return fault;
    }
    gpp.sections.push_back(std::move(section));
  }
  return gpp;
}

}  // namespace consentry::signals
