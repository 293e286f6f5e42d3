// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ForEver is a length of time without an end.
const ForEver = time.Duration(math.MaxInt64)

// Override replaces true answers for a time.
type Override struct {
	// Reply is what is answered instead.
	Reply Reply
	// After is how much later it begins, and For how long it lasts. The time counts
	// from the acceptance of the task or upgrade that is asked for.
	After, For time.Duration
}

// holds reports whether the override is in force at an age.
func (o Override) holds(age time.Duration) bool {
	return age >= o.After && age-o.After < o.For
}

// replyAt returns the reply of the last override that is in force at an age, empty
// if there is none.
func replyAt(overrides []Override, age time.Duration) Reply {
	var reply Reply
	for _, o := range overrides {
		if o.holds(age) {
			reply = o.Reply
		}
	}
	return reply
}

// Reply is an answer that stands in for the true one.
type Reply string

// Replies with which record-info, extend and the upgrades do not know the task any
// more.
const (
	// ReplyUnknown is what Options.UnknownRecord says.
	ReplyUnknown Reply = "null"
	// ReplyDataNull is code 200 with data null.
	ReplyDataNull Reply = "data-null"
	// ReplyRecordNull is code 422 "record is null".
	ReplyRecordNull Reply = "record-is-null"
	// ReplyRecordInfoNull is code 422 "recordInfo is null".
	ReplyRecordInfoNull Reply = "record-info-is-null"
	// ReplyNotExist is code 422 "Record does not exist".
	ReplyNotExist Reply = "does-not-exist"
	// Reply404 is code 404.
	Reply404 Reply = "404"
)

// Replies that only record-info gives.
const (
	// ReplyDataBlank is code 422 "record result data is blank".
	ReplyDataBlank Reply = "data-is-blank"
	// ReplyDataEmpty is code 422 "record result data is empty".
	ReplyDataEmpty Reply = "data-is-empty"
	// ReplyDataNotExist is code 422 "record result data not exist".
	ReplyDataNotExist Reply = "data-not-exist"
	// ReplyNotSuccess is code 422 "record status is not success".
	ReplyNotSuccess Reply = "not-success"
	// Reply14Days is code 422 "Temporarily supports records within 14 days".
	Reply14Days Reply = "14-days"
)

// Reply1010 is Cloudflare's bare HTTP 403 "error code: 1010", which is not JSON.
const Reply1010 Reply = "1010"

// ReplyHTML is an HTML page with this HTTP status, of something in front of KIE. It
// panics about a status that [AcceptThenHTML] does not take.
func ReplyHTML(status int) Reply { return Reply(htmlName(status)) }

// codePrefix begins the names of replies that are a code of KIE's; the code follows.
const codePrefix = "code-"

// ReplyCode is this code of KIE's with its usual text. It panics about a code that
// is not from 400 to 599.
func ReplyCode(code int) Reply {
	if code < 400 || code > 599 {
		panic(fmt.Sprintf("kiesim: code %d is not a refusal: use 400 to 599", code))
	}
	return Reply(codePrefix + strconv.Itoa(code))
}

// recordTooOld is what KIE says of tasks that it keeps no longer.
const recordTooOld = "Temporarily supports records within 14 days"

// recordNull is what KIE says of tasks that it does not know at the upgrades.
const recordNull = "record is null"

// replyTexts are the replies of code 422 that are told apart by their text alone.
var replyTexts = map[Reply]string{
	ReplyRecordNull:     recordNull,
	ReplyRecordInfoNull: "recordInfo is null",
	ReplyNotExist:       "Record does not exist",
	ReplyDataBlank:      "record result data is blank",
	ReplyDataEmpty:      "record result data is empty",
	ReplyDataNotExist:   "record result data not exist",
	ReplyNotSuccess:     "record status is not success",
	Reply14Days:         recordTooOld,
}

// forgets reports whether the reply says that there is no such task.
func (r Reply) forgets() bool {
	switch r {
	case ReplyUnknown, ReplyDataNull, ReplyRecordNull, ReplyRecordInfoNull, ReplyNotExist, Reply404:
		return true
	default:
		return false
	}
}

// reply answers in the place of the truth.
func (s *Simulator) reply(w http.ResponseWriter, r *http.Request, reply Reply) {
	if reply == ReplyUnknown {
		reply = s.options.UnknownRecord.reply()
	}
	if text, ok := replyTexts[reply]; ok {
		s.refuse(w, http.StatusUnprocessableEntity, text)
		return
	}
	switch reply {
	case ReplyDataNull:
		s.succeed(w, nil)
	case Reply404:
		s.refuse(w, http.StatusNotFound, "")
	case Reply1010:
		s.refuseBare(w)
	default:
		s.replyWithNumber(w, r, reply)
	}
}

// replyWithNumber answers with a page or with a code of KIE's.
func (s *Simulator) replyWithNumber(w http.ResponseWriter, r *http.Request, reply Reply) {
	if status := htmlStatus(string(reply)); status != 0 {
		s.writePage(w, r, status)
		return
	}
	code, err := strconv.Atoi(strings.TrimPrefix(string(reply), codePrefix))
	if err != nil {
		panic(fmt.Sprintf("kiesim: reply %q is not known", reply))
	}
	s.refuse(w, code, "")
}
