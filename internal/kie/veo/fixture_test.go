// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

const (
	testKey         = "kie-test-key-0f4b81d2"
	testTaskID      = "5a1f0c3e9b7d48e2a6c4f80b1d2e3a47"
	testCallbackURL = "https://kie.example.com/v1/callbacks/Zm94IGluIHNub3chISEhIQ"
	acceptedBody    = `{"code":200,"msg":"success","data":{"taskId":"` + testTaskID + `"}}`
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestClient returns a client of which nothing is left after the test.
func newTestClient(t testing.TB) *kie.Client {
	t.Helper()
	c := kie.NewClient()
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func endpointAt(url string) kie.Endpoint { return kie.Endpoint{BaseURL: url, APIKey: testKey} }

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// paid is a number of credits.
func paid(number float64) *credits.Amount {
	amount, ok := credits.FromFloat(number)
	if !ok {
		panic(fmt.Sprintf("%v is no number of credits", number))
	}
	return &amount
}
