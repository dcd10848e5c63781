#ifndef CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_

namespace consentry::store {

// Reviews by humans. Part of version 3 of the schema.
//
//   reviews(review_no key, review_id unique, subject, open, kind, priority,
//           due_hour, row_gen, doc sealed)
//            the queue. subject below 1: about nobody who is held; a system key
//            seals it, and below 0 it is a keyed hash of the name that was
//            given. kind: why a human is asked. due_hour: when it must be
//            decided; of one that is decided (open 0), when it was
//   review_words(review_no, piece; subject, words sealed)
//            what the customer and reviewers wrote, opened with a Grant alone;
//            written once
inline constexpr char kReviewTables[] = R"sql(
CREATE TABLE reviews (
  review_no {int} PRIMARY KEY,
  review_id {blob} NOT NULL UNIQUE,
  subject {int} NOT NULL,
  open {int} NOT NULL,
  kind {int} NOT NULL,
  priority {int} NOT NULL,
  due_hour {int} NOT NULL,
  row_gen {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX reviews_queue ON reviews (open, priority, due_hour, review_no);
CREATE INDEX reviews_due ON reviews (open, due_hour, review_no);
CREATE INDEX reviews_subject ON reviews (subject, review_no);

CREATE TABLE review_words (
  review_no {int} NOT NULL,
  piece {int} NOT NULL,
  subject {int} NOT NULL,
  words {blob} NOT NULL,
  PRIMARY KEY (review_no, piece)
) {clustered};
CREATE INDEX review_words_subject ON review_words (subject);
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_REVIEW_H_
