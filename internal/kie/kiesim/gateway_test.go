// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sale is a way to buy something from a task that is finished.
type sale struct {
	// prefix begins the keys of its fates.
	prefix string
	// buy sends the request with the callback URL, where there is one.
	buy func(f *fixture, base, markers, callback string, keep func(*http.Response)) answer
}

// callSeen is call that shows the response.
func (f *fixture) callSeen(method, path, body string, keep func(*http.Response)) answer {
	f.t.Helper()
	before := f.client.Transport
	defer func() { f.client.Transport = before }()
	f.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := before.RoundTrip(r)
		if err == nil {
			keep(response)
		}
		return response, err
	})
	return f.call(method, path, body)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

var sales = map[string]sale{
	"generate": {"", func(f *fixture, _, markers, callback string, keep func(*http.Response)) answer {
		return f.callSeen(http.MethodPost, "/api/v1/veo/generate", fields{"prompt": markers, "callBackUrl": callback}.json(), keep)
	}},
	"extend": {"", func(f *fixture, base, markers, callback string, keep func(*http.Response)) answer {
		return f.callSeen(http.MethodPost, "/api/v1/veo/extend", fields{"taskId": base, "prompt": markers, "callBackUrl": callback}.json(), keep)
	}},
	"1080p": {"1080p-", func(f *fixture, base, _, _ string, keep func(*http.Response)) answer {
		return f.callSeen(http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+base+"&index=0", "", keep)
	}},
	"4k": {"4k-", func(f *fixture, base, _, callback string, keep func(*http.Response)) answer {
		return f.callSeen(http.MethodPost, "/api/v1/veo/get-4k-video", fields{"taskId": base, "callBackUrl": callback}.json(), keep)
	}},
}

// gatewayLook is how an answer looks that is not KIE's.
type gatewayLook struct {
	Status               int
	Type, Location, Body string
}

// TestPurchaseIsAnsweredByAGateway buys in every way there is and compares what the
// client sees with what is paid and called back.
func TestPurchaseIsAnsweredByAGateway(t *testing.T) {
	page := func(status int, title, location string) gatewayLook {
		return gatewayLook{status, "text/html", location, "<html><body><h1>" + title + "</h1></body></html>"}
	}
	cases := map[string]gatewayLook{
		"accept-then=html-429": page(429, "429 Too Many Requests", ""),
		"accept-then=html-401": page(401, "401 Unauthorized", ""),
		"accept-then=html-200": page(200, "200 OK", ""),
		"accept-then=html-307": page(307, "307 Temporary Redirect", "itself"),
		"accept-then=html-520": page(520, "520", ""),
		"accept-then=1010":     {403, "text/plain; charset=UTF-8", "", "error code: 1010"},
		"refuse-then=html-429": page(429, "429 Too Many Requests", ""),
		"refuse-then=html-302": page(302, "302 Found", "itself"),
		"submit=403":           {403, "text/plain; charset=UTF-8", "", "error code: 1010"},
	}
	for name, sale := range sales {
		for fate, want := range cases {
			t.Run(name+" "+fate, func(t *testing.T) {
				f := newFixture(t, Options{})
				r := f.newReceiver()
				marker := "[sim:" + sale.prefix + fate + "]"
				// The marker of an upgrade is in the prompt of its task.
				base := f.made(fields{"prompt": map[bool]string{true: "a", false: marker}[sale.prefix == ""]})
				spent := 10000 - f.balance()

				var got gatewayLook
				answered := sale.buy(f, base, marker, r.url("at1"), func(response *http.Response) {
					got = gatewayLook{Status: response.StatusCode, Type: response.Header.Get("Content-Type"), Location: response.Header.Get("Location")}
					if got.Location == response.Request.URL.RequestURI() {
						got.Location = "itself"
					}
				})
				got.Body = answered.Body
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				bought := strings.HasPrefix(fate, "accept-then=")
				state := f.State()
				if paid := state.PaidTasks - 1 + state.PaidUpgrades; (paid == 1) != bought || paid > 1 || (10000-state.Balance > spent) != bought {
					t.Errorf("%d were paid and %v credits spent, want a purchase: %v", paid, 10000-state.Balance-spent, bought)
				}
				callbacks := 0
				if bought && name != "1080p" {
					callbacks = 1
				}
				if made := f.playOut(); made != callbacks || len(r.all()) != callbacks {
					t.Errorf("%d callbacks, want %d", made, callbacks)
				}
				if bought && state.PaidUpgrades == 1 {
					f.clock.advance(time.Minute)
					again := sale.buy(f, base, marker, r.url("at1"), func(*http.Response) {})
					if again.Status != 200 || again.Code == 0 {
						t.Errorf("the next question is answered HTTP %d %s, want an answer of KIE's", again.Status, again.Body)
					}
				}
			})
		}
	}
}

func TestPagesHaveTheStatusesOfGateways(t *testing.T) {
	for status := range 1000 {
		want := status == 200 || status == 301 || status == 302 || status == 307 || status == 308 ||
			status >= 400 && status <= 431 || status >= 500 && status <= 599
		var faults Faults
		err := faults.Set("accept-then", fmt.Sprintf("html-%d", status))
		if (err == nil) != want {
			t.Errorf("status %d: %v", status, err)
		}
		if got := htmlStatus(fmt.Sprintf("html-%d", status)); (got == status && got != 0) != want {
			t.Errorf("status %d is read as %d", status, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a page with HTTP status 600 can be made")
		}
	}()
	AcceptThenHTML(600)
}
