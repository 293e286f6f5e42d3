// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallbackIsTriedAgainAndSignedAnew(t *testing.T) {
	cases := map[string]struct {
		options  Options
		statuses []int
		want     []time.Duration
	}{
		"gives up after three retries": {
			statuses: []int{500, 404, 302, 204, 200},
			want:     []time.Duration{5 * time.Second, 15 * time.Second, 25 * time.Second, 35 * time.Second},
		},
		"stops when it is acknowledged": {
			statuses: []int{503, 200},
			want:     []time.Duration{5 * time.Second, 15 * time.Second},
		},
		"retries and spacing can be chosen": {
			options:  Options{CallbackRetries: 1, CallbackBackoff: time.Minute},
			statuses: []int{500, 500, 500},
			want:     []time.Duration{5 * time.Second, 65 * time.Second},
		},
		"no retries": {
			options:  Options{CallbackRetries: -1},
			statuses: []int{500, 500},
			want:     []time.Duration{5 * time.Second},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			test.options.WebhookHMACKey = testHMACKey
			f := newFixture(t, test.options)
			r := f.newReceiver(test.statuses...)
			id := f.accept(fields{"prompt": "a", "callBackUrl": r.url("at1")})
			made := f.playOut()
			var got []time.Duration
			for _, callback := range r.all() {
				got = append(got, callback.At.Sub(epoch))
				if !callback.signed(id) || callback.Timestamp != strconv.FormatInt(callback.At.Unix(), 10) {
					t.Errorf("callback at %v has the timestamp %s or a wrong signature", callback.At, callback.Timestamp)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("callbacks after (-want +got):\n%s", diff)
			}
			state := f.State().Callbacks
			last := test.statuses[len(test.want)-1]
			acknowledged := 0
			if last == 200 {
				acknowledged = 1
			}
			want := Callbacks{Sent: made, Acknowledged: acknowledged, Refused: made - acknowledged,
				LastStatusByTask: map[string]int{id: last}}
			if diff := cmp.Diff(want, state); diff != "" {
				t.Errorf("counted callbacks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCallbackWithoutAReceiver(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	r.server.Close()
	id := f.accept(fields{"prompt": "a", "callBackUrl": r.url("at1")})
	if made := f.playOut(); made != 4 {
		t.Errorf("%d tries, want 4", made)
	}
	want := Callbacks{Sent: 4, Refused: 4, LastStatusByTask: map[string]int{id: 0}}
	if diff := cmp.Diff(want, f.State().Callbacks); diff != "" {
		t.Errorf("counted callbacks (-want +got):\n%s", diff)
	}
}

func TestCallbackTimesOut(t *testing.T) {
	f := newFixture(t, Options{CallbackTimeout: time.Millisecond, CallbackRetries: -1})
	release := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hook.Close()
	defer close(release)
	id := f.accept(fields{"prompt": "a", "callBackUrl": hook.URL})
	f.playOut()
	if status, tried := f.State().Callbacks.LastStatusByTask[id]; status != 0 || !tried {
		t.Errorf("last status is %d (tried: %v), want 0", status, tried)
	}
}

func TestInterruptedDeliveryIsMadeLater(t *testing.T) {
	f := newFixture(t, Options{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var first sync.Once
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		first.Do(func() { stopAndWait(t, stop, r) })
	}))
	defer hook.Close()
	f.accept(fields{"prompt": "[sim:latency=0s]", "callBackUrl": hook.URL})
	f.Deliver(ctx)
	if got := f.State().Callbacks.Sent; got != 0 {
		t.Errorf("%d callbacks count as sent, want 0", got)
	}
	if made := f.Deliver(t.Context()); made != 1 || f.State().Callbacks.Acknowledged != 1 {
		t.Errorf("%d deliveries and %d acknowledged, want 1 and 1", made, f.State().Callbacks.Acknowledged)
	}
}

// stopAndWait handles a request by stopping its client and waiting until it is
// gone, which the server notices only after the body was read.
func stopAndWait(t *testing.T, stop context.CancelFunc, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Errorf("reading the callback: %v", err)
	}
	stop()
	<-r.Context().Done()
}

func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	working := f.newReceiver()
	broken := f.newReceiver()
	broken.server.Close()
	for _, r := range []*receiver{working, broken} {
		f.accept(fields{"prompt": "a quiet prompt", "callBackUrl": r.url("secret-attempt")})
	}
	f.playOut()
	for _, secret := range []string{"secret-attempt", "/v1/callbacks", "a quiet prompt", testAPIKey, testHMACKey} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
	if !strings.Contains(log.String(), "callback failed") || !strings.Contains(log.String(), "callback sent") {
		t.Errorf("the log does not tell of the callbacks: %s", log.String())
	}
}
