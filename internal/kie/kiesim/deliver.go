// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/kie-operator/kie-operator/internal/kie"
)

// maxAnswerBytes is how much of a receiver's answer is read. It is ignored; the
// connection can be used again only after it was read.
const maxAnswerBytes = 64 << 10

// callbackUserAgent is what a plain Java client calls itself. KIE's own is not
// known.
const callbackUserAgent = "Java-http-client/17.0.10"

// delivery is a callback on its way.
type delivery struct {
	about purchase
	// left is how many acknowledgements are still wanted.
	left int
	// tries counts the refusals since the last acknowledgement.
	tries int
}

func newDelivery(about purchase) delivery {
	if about.bought().faults.TwiceCallback {
		return delivery{about: about, left: 2}
	}
	return delivery{about: about, left: 1}
}

// deliver tries a callback once. A try that was stopped by the end of the context
// does not count; the next Run or Deliver makes it again.
func (s *Simulator) deliver(ctx context.Context, d delivery) {
	status, err := s.post(ctx, d.about)
	if err != nil && ctx.Err() != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ledger.outbox.push(s.options.Now(), d)
		return
	}
	s.logCallback(d, status, err)
	s.delivered(d, status)
}

// delivered counts the answer to a try, zero for none, and puts back into the
// outbox what remains to be done: another try, or the duplicate.
func (s *Simulator) delivered(d delivery, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.ledger.counters.callback(status)
	about := d.about.bought()
	about.sent, about.lastStatus = true, status
	switch {
	case status == http.StatusOK && d.left > 1:
		s.ledger.outbox.push(now, delivery{about: d.about, left: d.left - 1})
	case status != http.StatusOK && d.tries < s.options.CallbackRetries:
		d.tries++
		s.ledger.outbox.push(now.Add(s.options.CallbackBackoff), d)
	}
	s.wakeRun()
}

// post sends the callback of a purchase, signed as of now, and returns the HTTP status
// of the answer, zero if there was none.
func (s *Simulator) post(ctx context.Context, about purchase) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.CallbackTimeout)
	defer cancel()
	message := newCallback(about, s.options.WebhookHMACKey, s.options.Now())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, about.bought().callbackURL, bytes.NewReader(message.body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", callbackUserAgent)
	if message.signature != "" {
		request.Header.Set(kie.HeaderTimestamp, message.timestamp)
		request.Header.Set(kie.HeaderSignature, message.signature)
	}
	response, err := s.options.HTTPClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes)); err != nil {
		return 0, err
	}
	return response.StatusCode, nil
}

// logCallback tells of one try, without the URL it went to.
func (s *Simulator) logCallback(d delivery, status int, err error) {
	log := s.options.Logger.With("task", d.about.bought().id, "try", d.tries+1)
	if err != nil {
		log.Warn("callback failed", "error", withoutURL(err))
		return
	}
	log.Info("callback sent", "status", status)
}

// withoutURL returns the cause of an error of an HTTP client, whose own text has
// the callback's path in it.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
