#ifndef CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_
#define CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_

namespace consentry::store {

// What recipients and people are still to be told. Part of version 2 of the
// schema.
//
//   messages(message_no key, subject, state, attempts, expire_hour,
//            once unique, doc sealed, address sealed)
//            what people are to be sent. subject 0: about nobody who is held,
//            sealed under a system key. `address` is empty where the subject's
//            contact point is looked up when it is sent. `once`, a digest: made
//            one time only, its row stays, emptied, until it expires. Emptied
//            or removed when sent
//   recipient_events(event_no key, subject, doc sealed)
//            what recipients of a subject are to be told, not yet spread over
//            them
//   recipient_notices(notice_no key, notice_id unique, client, channel, state,
//   attempts,
//           subject, due_hour, doc sealed)
//            one for each recipient and way: webhook, watch or task. subject 0:
//            she is erased, and the recipient's pseudonym stands in the
//            document, under a system key. due_hour: until when it is tried,
//            kept or to be done
//   meta 'delivery.cursor'  up to which entry of the log recipients were told
inline constexpr char kDeliveryTables[] = R"sql(
CREATE TABLE messages (
  message_no {int} PRIMARY KEY,
  subject {int} NOT NULL,
  state {int} NOT NULL,
  attempts {int} NOT NULL,
  expire_hour {int} NOT NULL,
  once {blob},
  doc {blob} NOT NULL,
  address {blob} NOT NULL
);
CREATE INDEX messages_by_state ON messages (state, message_no);
CREATE INDEX messages_by_subject ON messages (subject);
CREATE UNIQUE INDEX messages_once ON messages (once);

CREATE TABLE recipient_events (
  event_no {int} PRIMARY KEY,
  subject {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX recipient_events_by_subject ON recipient_events (subject);

CREATE TABLE recipient_notices (
  notice_no {int} PRIMARY KEY,
  notice_id {blob} NOT NULL UNIQUE,
  client {blob} NOT NULL,
  channel {int} NOT NULL,
  state {int} NOT NULL,
  attempts {int} NOT NULL,
  subject {int} NOT NULL,
  due_hour {int} NOT NULL,
  doc {blob} NOT NULL
);
CREATE INDEX recipient_notices_open ON recipient_notices (channel, state, notice_no);
CREATE INDEX recipient_notices_by_client ON recipient_notices (client, channel, notice_no);
CREATE INDEX recipient_notices_by_subject ON recipient_notices (subject);
CREATE INDEX recipient_notices_due ON recipient_notices (due_hour);

INSERT INTO meta (k, v) SELECT 'delivery.cursor', v FROM meta
  WHERE k = 'log_size';
)sql";

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TABLES_DELIVERY_H_
