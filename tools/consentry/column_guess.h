#ifndef CONSENTRY_TOOLS_CONSENTRY_COLUMN_GUESS_H_
#define CONSENTRY_TOOLS_CONSENTRY_COLUMN_GUESS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"

namespace consentry::tools {

// How sure a guess is. Every guess is for a person to review.
enum class Sureness {
  kUnsure,  // Neither name nor content tell.
  kLikely,  // One of them does.
  kSure,    // Both do.
};

// "sure", "likely", "unsure".
const char* SurenessText(Sureness sureness);

// What a column seems to be for.
enum class ColumnRole {
  kField,       // A value of a record: `field`.
  kSubjectId,   // The source's number of the customer.
  kRecordId,    // The source's number of the record (an order, a ticket).
  kChoice,      // A choice about marketing.
  kChoiceTime,  // When that choice was made.
  kIgnore,      // Nothing in it.
};

struct ColumnGuess {
  std::string column;
  ColumnRole role = ColumnRole::kField;
  // A field of the usual catalog ("given_name"), or `own_key`.
  std::string field;
  // The column's name as the key of a field.
  std::string own_key;
  config::v1::FieldType::Value type = config::v1::FieldType::STRING;
  // fideslang.
  std::string category;
  // For dates and times.
  std::vector<std::string> formats;
  // Two formats fit all cells and disagree about day and month.
  bool ambiguous_date = false;
  bool decimal_comma = false;
  // For choices: words found that mean one. How many others there are; these
  // are not told, since free text may be about somebody.
  std::vector<std::string> give;
  std::vector<std::string> refuse;
  std::vector<std::string> withdraw;
  int other_words = 0;
  Sureness sureness = Sureness::kUnsure;
  // Share of cells that are not empty, in percent.
  int filled_percent = 0;
  // Every cell differs from all others and none is empty.
  bool unique = false;
};

// Gathers what the cells of one column look like. Keeps counts, and at most
// kMaxWords different short cells of it, which are written only for choices.
class ColumnProfile {
 public:
  explicit ColumnProfile(std::string name);

  // `cell` is UTF-8, spaces around do not matter.
  void Add(const std::string& cell);

  const std::string& name() const { return name_; }
  ColumnGuess Guess() const;

 private:
  static constexpr size_t kMaxWords = 12;

  double Share(uint64_t count) const;
  bool GuessByContent(ColumnGuess* guess) const;
  void GuessDates(ColumnGuess* guess) const;
  void GuessWords(ColumnGuess* guess) const;

  const std::string name_;
  uint64_t rows_ = 0;
  uint64_t filled_ = 0;
  uint64_t emails_ = 0;
  uint64_t phones_ = 0;
  uint64_t countries_ = 0;
  uint64_t bools_ = 0;
  uint64_t ints_ = 0;
  uint64_t numbers_point_ = 0;
  uint64_t numbers_comma_ = 0;
  uint64_t money_ = 0;
  size_t longest_ = 0;
  std::vector<uint64_t> dates_;  // By format.
  // Which formats fit each dated cell, as bits; few kinds exist.
  std::set<uint32_t> date_kinds_;
  std::set<size_t> hashes_;
  bool repeated_ = false;
  std::set<std::string> words_;
  bool many_words_ = false;
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_COLUMN_GUESS_H_
