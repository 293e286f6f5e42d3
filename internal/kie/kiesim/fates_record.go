// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recordFates say what record-info tells and hides.
var recordFates = slices.Concat([]Fate{
	literalFate("time", "ms", "record-info has times in milliseconds (the default)", func(f *Faults) { f.TextTimes = false }),
	literalFate("time", "text", "record-info has times as text", func(f *Faults) { f.TextTimes = true }),
	literalFate("lag", "", "record-info sets completeTime 30s before successFlag", func(f *Faults) { f.Lag = 30 * time.Second }),
	durationFate("lag", "", "record-info sets completeTime this long before successFlag",
		func(f *Faults, d time.Duration) { f.Lag = d }),
	replyFate(ReplyUnknown, "the task is not known, in the form of --unknown-record, nor to extend and the upgrades"),
	replyFate(ReplyDataNull, "the task is not known: code 200 with data null"),
	replyFate(ReplyRecordNull, "the task is not known: code 422 "+quoted(ReplyRecordNull)),
	replyFate(ReplyRecordInfoNull, "the task is not known: code 422 "+quoted(ReplyRecordInfoNull)),
	replyFate(ReplyNotExist, "the task is not known: code 422 "+quoted(ReplyNotExist)+", from extend and the upgrades too"),
	replyFate(Reply404, "the task is not known: code 404"),
	replyFate(ReplyDataBlank, "record-info answers code 422 "+quoted(ReplyDataBlank)),
	replyFate(ReplyDataEmpty, "record-info answers code 422 "+quoted(ReplyDataEmpty)),
	replyFate(ReplyDataNotExist, "record-info answers code 422 "+quoted(ReplyDataNotExist)),
	replyFate(ReplyNotSuccess, "record-info answers code 422 "+quoted(ReplyNotSuccess)),
	replyFate(Reply14Days, "record-info answers code 422 "+quoted(Reply14Days)),
	replyFate(Reply1010, "record-info is refused by the gateway: a bare HTTP 403, not JSON"),
	numberedReplyFate("record-code", "record-info answers this code, from 400 to 599, with its usual text", parseReplyCode),
}, queryFates("record-html", "record-info"))

// upgradeQueryFates are those of every request for an upgrade but the first.
var upgradeQueryFates = queryFates("html", "every request but the first")

// queryFates is the page that something in front of KIE answers for a time.
func queryFates(key, what string) []Fate {
	return []Fate{numberedReplyFate(key, what+" is answered by an HTML page with this HTTP status: "+pageStatuses, parseReplyPage)}
}

func quoted(reply Reply) string { return strconv.Quote(replyTexts[reply]) }

// replyFate makes record-info answer something else for a time.
func replyFate(reply Reply, help string) Fate {
	return Fate{Key: "record", Value: string(reply) + placeholderSpan, Help: help, set: func(f *Faults, text string) error {
		return f.override(reply, text)
	}}
}

// numberedReplyFate is replyFate for replies that have a number in them.
func numberedReplyFate(key, help string, parse func(digits string) (Reply, error)) Fate {
	return Fate{Key: key, Value: placeholderCode + placeholderSpan, Help: help, set: func(f *Faults, text string) error {
		digits, span := cutSpan(text)
		reply, err := parse(digits)
		if err != nil {
			return err
		}
		return f.override(reply, span)
	}}
}

func parseReplyCode(digits string) (Reply, error) {
	code, err := strconv.Atoi(digits)
	if err != nil || code < 400 || code > 599 {
		return "", fmt.Errorf("%q is not a code from 400 to 599", digits)
	}
	return ReplyCode(code), nil
}

func parseReplyPage(digits string) (Reply, error) {
	status, err := parsePageStatus(digits)
	if err != nil {
		return "", err
	}
	return ReplyHTML(status), nil
}

// override adds a reply in a span of time such as -after=1m-for=30s. Others may have
// the same list.
func (f *Faults) override(reply Reply, span string) error {
	after, length, err := parseSpan(span)
	if err != nil {
		return err
	}
	f.Queries = append(slices.Clip(f.Queries), Override{Reply: reply, After: after, For: length})
	return nil
}

// cutSpan divides a text into what stands before a span of time and the span.
func cutSpan(text string) (before, span string) {
	at := len(text)
	for _, begin := range []string{"-after=", "-for="} {
		if i := strings.Index(text, begin); i >= 0 {
			at = min(at, i)
		}
	}
	return text[:at], text[at:]
}

// parseSpan reads -after=DURATION and -for=DURATION, each of which may be left out.
// Without the first the span begins at once, without the second it has no end.
func parseSpan(text string) (after, length time.Duration, err error) {
	length = ForEver
	rest, lasting, ends := strings.Cut(text, "-for=")
	if ends {
		if length, err = parseDuration(lasting); err != nil {
			return 0, 0, err
		}
	}
	rest, later, isLater := strings.Cut(rest, "-after=")
	if isLater {
		if after, err = parseDuration(later); err != nil {
			return 0, 0, err
		}
	}
	if rest != "" {
		return 0, 0, fmt.Errorf("%q is not a span of time such as -after=1m-for=30s", text)
	}
	return after, length, nil
}
