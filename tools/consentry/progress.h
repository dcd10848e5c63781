#ifndef CONSENTRY_TOOLS_CONSENTRY_PROGRESS_H_
#define CONSENTRY_TOOLS_CONSENTRY_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace consentry::tools {

// Shows how far something long is. On a terminal one line that is drawn over:
//
//   import crm.csv  [#########-----------]  45%  1,234 of 2,740  12 s left
//
// Elsewhere, for logs, a plain line at each quarter that takes long, and one at
// the end, unless that comes within two seconds. One thread at a time.
class Progress {
 public:
  struct Options {
    std::string label;
    // What counts as done. 0: not known; then only the count is shown.
    uint64_t total = 0;
    // "rows", "KiB"; stands behind the count.
    std::string unit;
    bool terminal = false;
    // Microseconds of any clock that only grows.
    std::function<int64_t()> now_us;
  };

  // `out` must outlive this.
  Progress(std::ostream* out, Options options);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Ends the line if Finish() was not called.
  ~Progress();

  // `done` never falls. Draws at most ten times a second.
  void Update(uint64_t done);
  // Draws the end, with the time taken.
  void Finish();

  // Whether standard error is a terminal that can be drawn on.
  static bool StderrIsTerminal();
  // Of the steady clock.
  static int64_t SteadyNowUs();

 private:
  void Draw();

  std::ostream* const out_;
  const Options options_;
  const int64_t start_us_;
  int64_t drawn_us_ = 0;
  uint64_t done_ = 0;
  int quarter_ = 0;
  bool open_ = false;
  bool finished_ = false;
};

// "1,234,567".
std::string WithCommas(uint64_t number);
// "0.3 s", "12 s", "3 min 20 s", "2 h 5 min".
std::string DurationText(int64_t us);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_PROGRESS_H_
