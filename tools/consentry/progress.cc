#include "tools/consentry/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace consentry::tools {
namespace {

constexpr int64_t kDrawEveryUs = 100000;
constexpr int64_t kLineEveryUs = 2000000;
constexpr int kBarWidth = 20;

}  // namespace

std::string WithCommas(uint64_t number) {
  const std::string digits = absl::StrCat(number);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

std::string DurationText(int64_t us) {
  if (us >= 0 && us < 950000) {
    return absl::StrFormat("%.1f s", static_cast<double>(us) / 1e6);
  }
  const int64_t seconds = std::max<int64_t>(0, (us + 500000) / 1000000);
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600) {
    return absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
  }
  return absl::StrCat(seconds / 3600, " h ", seconds % 3600 / 60, " min");
}

bool Progress::StderrIsTerminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr &&
         std::string_view(term) != "dumb";
}

int64_t Progress::SteadyNowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Progress::Progress(std::ostream* out, Options options)
    : out_(out), options_(std::move(options)), start_us_(options_.now_us()) {
  drawn_us_ = options_.terminal ? start_us_ - kDrawEveryUs : start_us_;
}

Progress::~Progress() {
  if (open_) *out_ << "\n" << std::flush;
}

void Progress::Update(uint64_t done) {
  done_ = std::max(done_, done);
  if (options_.terminal) {
    const int64_t now = options_.now_us();
    if (now - drawn_us_ < kDrawEveryUs) return;
    drawn_us_ = now;
    Draw();
    return;
  }
  if (options_.total == 0) return;
  const int quarter =
      static_cast<int>(std::min<uint64_t>(done_ * 4 / options_.total, 3));
  if (quarter <= quarter_) return;
  quarter_ = quarter;
  // What is over soon needs no lines in between.
  const int64_t now = options_.now_us();
  if (now - drawn_us_ < kLineEveryUs) return;
  drawn_us_ = now;
  *out_ << options_.label << ": " << quarter * 25 << "%\n" << std::flush;
}

void Progress::Draw() {
  std::string line = absl::StrCat("\r", options_.label, "  ");
  const std::string unit =
      options_.unit.empty() ? "" : absl::StrCat(" ", options_.unit);
  if (options_.total == 0) {
    absl::StrAppend(&line, WithCommas(done_), unit);
  } else {
    const uint64_t done = std::min(done_, options_.total);
    const int filled = static_cast<int>(done * kBarWidth / options_.total);
    absl::StrAppend(&line, "[", std::string(static_cast<size_t>(filled), '#'),
                    std::string(static_cast<size_t>(kBarWidth - filled), '-'),
                    "]  ", done * 100 / options_.total, "%  ",
                    WithCommas(done_), " of ", WithCommas(options_.total),
                    unit);
    const int64_t taken = options_.now_us() - start_us_;
    if (done > 0 && taken > 1000000 && done < options_.total) {
      const double rest = static_cast<double>(taken) *
                          static_cast<double>(options_.total - done) /
                          static_cast<double>(done);
      absl::StrAppend(&line, "  ", DurationText(static_cast<int64_t>(rest)),
                      " left");
    }
  }
  // Erase what an earlier, longer line left.
  *out_ << line << "\x1b[K" << std::flush;
  open_ = true;
}

void Progress::Finish() {
  if (finished_) return;
  finished_ = true;
  const std::string unit =
      options_.unit.empty() ? "" : absl::StrCat(" ", options_.unit);
  if (options_.terminal) {
    Draw();
    *out_ << "  " << DurationText(options_.now_us() - start_us_) << "\n"
          << std::flush;
    open_ = false;
    return;
  }
  if (options_.now_us() - start_us_ < kLineEveryUs) return;
  *out_ << options_.label << ": " << WithCommas(done_) << unit << " in "
        << DurationText(options_.now_us() - start_us_) << "\n"
        << std::flush;
}

}  // namespace consentry::tools
