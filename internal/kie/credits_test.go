// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

// paid is a number of credits.
func paid(number float64) *credits.Amount {
	amount, ok := credits.FromFloat(number)
	if !ok {
		panic(fmt.Sprintf("%v is no number of credits", number))
	}
	return &amount
}

func TestCredits(t *testing.T) {
	for _, tc := range []struct {
		reason, data string
		want         float64
	}{
		{"whole, as documented", `1188`, 1188},
		{"with a fraction, as in life", `1188.73`, 1188.73},
		{"as text", `"1188.73"`, 1188.73},
		{"none left", `0`, 0},
		{"overdrawn", `-0.5`, -0.5},
		{"in scientific notation", `1.5e3`, 1500},
		{"as much as can be believed", `1e9`, 1e9},
		{"to the last bit", `1188.7300000000002`, 1188.73},
		{"next to nothing", `1e-300`, 0},
	} {
		t.Run(tc.data, func(t *testing.T) {
			lines := make(chan string, 1)
			server := kieapi.NewServer(t, func(w http.ResponseWriter, r *http.Request) {
				lines <- r.Method + " " + r.RequestURI
				kieapi.Answering(200, `{"code":200,"msg":"success","data":`+tc.data+`}`)(w, r)
			})
			got, err := newTestClient(t).Credits(t.Context(), endpointAt(server.URL))
			if err != nil || got != *paid(tc.want) {
				t.Errorf("%s: got %v, %v, want %v", tc.reason, got, err, tc.want)
			}
			if diff := cmp.Diff("GET /api/v1/chat/credit", <-lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreditsErrors(t *testing.T) {
	for _, tc := range []struct {
		reason, body string
		class        Class
		code         int
	}{
		{"null is no balance, not even an empty one", `{"code":200,"data":null}`, Unavailable, 0},
		{"neither is nothing", `{"code":200}`, Unavailable, 0},
		{"an object", `{"code":200,"data":{"credits":1}}`, Unavailable, 0},
		{"a list", `{"code":200,"data":[1]}`, Unavailable, 0},
		{"a truth", `{"code":200,"data":true}`, Unavailable, 0},
		{"an empty text", `{"code":200,"data":""}`, Unavailable, 0},
		{"a word", `{"code":200,"data":"many"}`, Unavailable, 0},
		{"no number, by name", `{"code":200,"data":"NaN"}`, Unavailable, 0},
		{"no balance is infinite", `{"code":200,"data":"Infinity"}`, Unavailable, 0},
		{"no balance is minus infinite", `{"code":200,"data":"-Inf"}`, Unavailable, 0},
		{"out of range", `{"code":200,"data":1e999}`, Unavailable, 0},
		{"more than anybody has", `{"code":200,"data":1e40}`, Unavailable, 0},
		{"more than anybody has, as text", `{"code":200,"data":"1e40"}`, Unavailable, 0},
		{"more than anybody has", `{"code":200,"data":1000000000.001}`, Unavailable, 0},
		{"deeper in debt than anybody is", `{"code":200,"data":-1e40}`, Unavailable, 0},
		{"NaN is no JSON", `{"code":200,"data":NaN}`, Unavailable, 0},
		{"a balance beside a refusal does not count", `{"code":401,"msg":"no","data":5}`, Unauthorized, 401},
	} {
		t.Run(tc.body, func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(200, tc.body))
			got, err := newTestClient(t).Credits(t.Context(), endpointAt(server.URL))
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("%s: got %v, %v, want an *Error", tc.reason, got, err)
			}
			if failure.Class != tc.class || failure.Code != tc.code || !got.IsZero() {
				t.Errorf("%s: got %v, %+v, want class %s, code %d", tc.reason, got, *failure, tc.class, tc.code)
			}
		})
	}
}

// The balance is what an account is checked with. If something in front of the
// API turns everything away, the account has to say so, and not that its key is
// wrong or that nobody can be reached.
func TestCreditsSaysWhatTurnsEverythingAway(t *testing.T) {
	for _, tc := range []struct {
		reason string
		status int
		body   string
		class  Class
	}{
		{"the robot check of the gateway", 403, `error code: 1010`, Forbidden},
		{"a gateway that is not KIE.AI's wants a password", 401, `<html>who are you</html>`, Forbidden},
		{"a proxy wants a password", 407, `<html>who are you</html>`, Forbidden},
		{"a gateway that wants to be paid", 402, `{"code":402,"message":"deployment disabled"}`, Forbidden},
		{"a gateway dislikes the request", 400, `<html>bad request</html>`, Forbidden},
		{"a gateway that is not for this name", 421, `<html>misdirected</html>`, Forbidden},
		{"blocked", 451, `<html>blocked</html>`, Forbidden},
		{"a gateway's 455 is not KIE.AI's", 455, `<html></html>`, Forbidden},
		{"there is nothing at this address", 404, `<html>not found</html>`, NotFound},
		{"there is another API at this address", 404, `{"timestamp":"2026-11-27T11:00:00Z","status":404,"error":"Not Found","path":"/api/v1/chat/credit"}`, NotFound},
		{"there is nothing that can be asked at this address", 405, `<html>not allowed</html>`, NotFound},
		{"moved", 301, ``, NotFound},
		{"moved", 302, ``, NotFound},
		{"moved", 307, ``, NotFound},
		{"moved", 308, ``, NotFound},
		{"the gateway has had enough, for a while", 429, `<html>slow down</html>`, Unavailable},
		{"the gateway has waited in vain", 408, `<html>time-out</html>`, Unavailable},
		{"the gateway has waited in vain", 499, `<html>gone</html>`, Unavailable},
		{"the gateway has found nobody", 502, `<html>bad gateway</html>`, Unavailable},
		{"a page where there should be an answer", 200, `<html>sign in</html>`, Unavailable},
		{"KIE.AI itself does not accept the key", 401, `{"code":401,"msg":"You do not have access permissions"}`, Unauthorized},
	} {
		t.Run(fmt.Sprintf("%d %.30s", tc.status, tc.body), func(t *testing.T) {
			server := kieapi.NewServer(t, kieapi.Answering(tc.status, tc.body))
			_, err := newTestClient(t).Credits(t.Context(), endpointAt(server.URL))
			var failure *Error
			if !errors.As(err, &failure) || failure.Class != tc.class {
				t.Fatalf("%s: got %v, want %s", tc.reason, err, tc.class)
			}
			if own := tc.class == Unauthorized; failure.Own != own || (failure.Err == nil) != own {
				t.Errorf("%s: KIE.AI's own word: %t, want %t (%v)", tc.reason, failure.Own, own, failure.Err)
			}
		})
	}
}
