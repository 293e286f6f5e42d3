// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// Purchase is a request that costs money.
type Purchase struct {
	// Path is the endpoint that sells it, and Body what it is sent, as JSON.
	Path string
	Body any
	// CallbackURL is in the body. Its last part is a secret, which no message may show.
	CallbackURL string
	// Source is the task that is continued, if one is: an answer that names it names no new one.
	Source string
	// MissesSource says of the code and the words of the API's own refusal whether they mean that it does not know, or
	// no longer knows, the source. Without it no refusal does.
	MissesSource func(code int, message string) bool
}

// Outcome says what is known about the money after a purchase was tried.
type Outcome string

// The outcomes of a purchase.
const (
	// Accepted means that the task is bought; its id is known.
	Accepted Outcome = "Accepted"
	// NotSent means that no byte of the request left this machine.
	NotSent Outcome = "NotSent"
	// Deferred means that the API itself says that nothing was bought, because of the account or the service; the
	// same request can be made again when that has changed.
	Deferred Outcome = "Deferred"
	// Rejected means that the API itself says that nothing was bought and that the same request will not be
	// accepted later.
	Rejected Outcome = "Rejected"
	// Unknown means that the task may have been bought, or not: there was no answer, or it leaves that open, or it
	// is not the API's own. A gateway's refusal is of that kind whatever its status, because a gateway may refuse
	// what it has passed on. The request must not be made again.
	Unknown Outcome = "Unknown"
)

// Submission is the result of trying to buy a task.
type Submission struct {
	Outcome Outcome
	// TaskID is set with Accepted only.
	TaskID string
	// Err is set with every other outcome.
	Err *Error
}

// Buy makes a purchase, sent once and never again by this client. The caller
// bounds it with the context. Rejected with SourceNotFound means that the API does
// not know the source.
func (c *Client) Buy(ctx context.Context, ep Endpoint, p Purchase) Submission {
	body, err := json.Marshal(p.Body)
	if err != nil {
		return Submission{Outcome: NotSent, Err: &Error{Class: Invalid, Err: err}}
	}
	return c.submit(ctx, ep, p.Path, body, func(a Answer) Submission {
		if p.Source != "" {
			return judgeContinuation(a, p, ep.APIKey, p.CallbackURL)
		}
		return judge(a, ep.APIKey, p.CallbackURL)
	})
}

// sendIf is the key of a context's condition for sending.
type sendIf struct{}

// SendIf returns a context with which a purchase is sent only if the condition
// holds at the moment at which its first byte is about to leave. What may pass
// between the decision to buy and that moment is not bounded: the process may be
// frozen, or the machine suspended.
func SendIf(ctx context.Context, mayStillBeSent func() bool) context.Context {
	return context.WithValue(ctx, sendIf{}, mayStillBeSent)
}

// errNotSent is why a purchase was not sent at the last moment.
var errNotSent = errors.New("it was not sent: its time was over")

// onceBody is the body of a purchase. It is read when it is written to a
// connection, and only if the purchase may still be made then: nothing is bought
// without it.
type onceBody struct {
	*bytes.Reader
	mayBeSent func() bool
	begun     bool
	// withheld says that nothing of it was read, and never will be.
	withheld atomic.Bool
}

// Read returns the body, or errNotSent before anything of it.
func (b *onceBody) Read(p []byte) (int, error) {
	if b.withheld.Load() || (!b.begun && b.mayBeSent != nil && !b.mayBeSent()) {
		b.withheld.Store(true)
		return 0, errNotSent
	}
	b.begun = true
	return b.Reader.Read(p)
}

// Close does nothing: there is nothing to be closed.
func (b *onceBody) Close() error { return nil }

// submit sends a request that costs money and has its answer judged. Whatever
// is not known for sure ends as Unknown.
func (c *Client) submit(ctx context.Context, ep Endpoint, path string, body []byte, judged func(Answer) Submission) Submission {
	// The request is written to a connection only after one was obtained: without one, no byte has left. Later hooks
	// (WroteHeaders, WroteRequest) come after bytes are on their way, and so would call a request unsent that is not.
	var connected atomic.Bool
	mayBeSent, _ := ctx.Value(sendIf{}).(func() bool)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := newRequest(ctx, http.MethodPost, ep, path, body)
	if err != nil {
		return Submission{Outcome: NotSent, Err: &Error{Class: Unavailable, Err: err}}
	}
	once := &onceBody{Reader: bytes.NewReader(body), mayBeSent: mayBeSent}
	req.Body = struct{ io.ReadCloser }{once} // nothing but Read and Close
	req.GetBody = nil                        // without a second copy of the body, the transport cannot send it a second time

	resp, err := c.purchases.Do(req) //nolint:bodyclose // readAnswer closes it
	if err != nil {
		outcome := NotSent
		if connected.Load() && !once.withheld.Load() {
			outcome = Unknown
		}
		return Submission{Outcome: outcome, Err: &Error{Class: Unavailable, Err: err}}
	}
	answer, err := readAnswer(resp)
	if err != nil {
		var failure *Error
		if !errors.As(err, &failure) {
			failure = &Error{Class: Unavailable, Err: err}
		}
		return Submission{Outcome: Unknown, Err: failure}
	}
	return judged(answer)
}

// judge decides what an answer to a purchase means for the money.
func judge(a Answer, secrets ...string) Submission {
	id, idErr := a.TaskID()
	code := a.Code()
	if code == http.StatusOK && id != "" && idErr == nil {
		return Submission{Outcome: Accepted, TaskID: id}
	}
	failure := a.Refusal(secrets...)
	switch {
	case a.from == aGateway:
		return Submission{Outcome: Unknown, Err: failure}
	case a.from != theAPI, code == http.StatusOK, idErr != nil, id != "":
		failure.becomes(Unavailable, errors.New("the answer does not say clearly whether the task was accepted"))
		return Submission{Outcome: Unknown, Err: failure}
	default:
		return Submission{Outcome: outcomeOfClass(failure.Class), Err: failure}
	}
}

// judgeContinuation decides what an answer means for the money, and whether it
// speaks of the source.
func judgeContinuation(a Answer, p Purchase, secrets ...string) Submission {
	if id, err := a.TaskID(); err == nil && id == p.Source {
		// The source's id is what was sent: it neither names a new task nor makes an acceptance of a refusal.
		a.Data, a.root = nil, nil
	}
	submission := judge(a, secrets...)
	refused := submission.Outcome == Deferred || submission.Outcome == Rejected
	if refused && p.MissesSource != nil && p.MissesSource(a.Code(), a.Message) {
		submission.Outcome, submission.Err.Class = Rejected, SourceNotFound
	}
	return submission
}

// outcomeOfClass is what a refusal by the API itself means. Code 500, which is
// Unavailable, is left open on purpose: it is also what the API says when the
// task was made and something failed after that.
func outcomeOfClass(class Class) Outcome {
	switch {
	case class.OfAccount(), class == NotFound:
		return Deferred
	case class.OfRequest():
		return Rejected
	default:
		return Unknown
	}
}

// TaskID finds the id of a task in each place and spelling that the API uses, "" where
// there is none. Different ids are an error, and so is one that is no text: an answer
// with an id of any kind must not pass for a refusal.
func (a Answer) TaskID() (string, error) {
	var data map[string]json.RawMessage
	_ = json.Unmarshal(a.Data, &data) // data may be null or a text; then it holds no id
	id := ""
	for _, raw := range []json.RawMessage{data["taskId"], data["task_id"], a.root["taskId"], a.root["task_id"]} {
		var text string
		if raw != nil && json.Unmarshal(raw, &text) != nil { // null is how the API writes that there is none
			return "", errors.New("the task id is no text")
		}
		found := strings.TrimSpace(text)
		switch {
		case found == "":
		case !ValidTaskID(found):
			return "", errors.New("the task id cannot be used")
		case id != "" && id != found:
			return "", errors.New("the answer names two tasks")
		default:
			id = found
		}
	}
	return id, nil
}
