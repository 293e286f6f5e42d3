// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start serves a simulator on a free port and returns its URL, a way to stop it,
// and the end of serve.
func start(t *testing.T, simulator *kiesim.Simulator) (url string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	end := make(chan error, 1)
	go func() { end <- serve(ctx, listener, simulator, slog.New(slog.DiscardHandler)) }()
	return "http://" + listener.Addr().String(), cancel, end
}

// send makes a request to the simulator on a connection of its own.
func send(t *testing.T, method, url, body string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatalf("making a request: %v", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

func TestServeAnswersAndCallsBack(t *testing.T) {
	called := make(chan struct{})
	receiver := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(called) })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	hooks := &http.Server{Handler: receiver, ReadHeaderTimeout: time.Minute}
	hooked := make(chan error, 1)
	go func() { hooked <- hooks.Serve(listener) }()

	url, stop, ended := start(t, kiesim.New(kiesim.Options{Latency: kiesim.Immediately}))
	body := `{"prompt":"a","callBackUrl":"http://` + listener.Addr().String() + `/at1"}`
	answer, err := send(t, http.MethodPost, url+"/api/v1/veo/generate", body)
	if err != nil || !strings.Contains(answer, `"code":200`) {
		t.Errorf("answer is %s (%v)", answer, err)
	}
	<-called
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve returned %v", err)
	}
	if err := hooks.Close(); err != nil {
		t.Errorf("closing the receiver: %v", err)
	}
	if err := <-hooked; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("the receiver ended with %v", err)
	}
}

func TestServeEndsWhileAnAnswerHangs(t *testing.T) {
	simulator := kiesim.New(kiesim.Options{Faults: kiesim.Faults{AcceptThen: kiesim.AcceptThenHang}})
	url, stop, ended := start(t, simulator)
	simulator.SetOnAccepted(func(kiesim.Task) { stop() })
	if answer, err := send(t, http.MethodPost, url+"/api/v1/veo/generate", `{"prompt":"a"}`); err == nil {
		t.Errorf("a submission that hangs was answered %q", answer)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve returned %v", err)
	}
}

// TestServeEndsWhileAFileIsSent stops the server under a client that has stopped to
// read.
func TestServeEndsWhileAFileIsSent(t *testing.T) {
	for name, faults := range map[string]kiesim.FileFaults{
		"endless": {Fault: kiesim.FileEndless},
		"slow":    {Throttle: 1},
	} {
		t.Run(name, func(t *testing.T) {
			simulator := kiesim.New(kiesim.Options{Latency: kiesim.Immediately, Faults: kiesim.Faults{File: faults}})
			url, stop, ended := start(t, simulator)
			if answer, err := send(t, http.MethodPost, url+"/api/v1/veo/generate", `{"prompt":"a"}`); err != nil {
				t.Fatalf("answer is %s (%v)", answer, err)
			}
			record, err := send(t, http.MethodGet, url+"/api/v1/veo/record-info?taskId="+simulator.State().Tasks[0].ID, "")
			if err != nil {
				t.Fatal(err)
			}
			video := regexp.MustCompile(url + `/v/[^"]+`).FindString(record)
			request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, video, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Close = true
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			stop()
			if err := <-ended; err != nil {
				t.Errorf("serve returned %v", err)
			}
		})
	}
}

func TestServeReturnsWhatTheListenerSays(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatalf("closing the listener: %v", err)
	}
	err = serve(t.Context(), listener, kiesim.New(kiesim.Options{}), slog.New(slog.DiscardHandler))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve returned %v, want that the listener is closed", err)
	}
}

func TestRun(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cases := map[string]struct {
		ctx   context.Context
		args  []string
		names string
	}{
		"help":        {t.Context(), []string{"--help"}, ""},
		"bad flag":    {t.Context(), []string{"--nope"}, "-nope"},
		"bad address": {t.Context(), []string{"--bind-address=127.0.0.1:nope"}, "--bind-address"},
		"stopped":     {ended, []string{"--bind-address=127.0.0.1:0"}, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			err := run(test.ctx, test.args)
			if test.names == "" && err != nil {
				t.Errorf("run returned %v", err)
			}
			if test.names != "" && (err == nil || !strings.Contains(err.Error(), test.names)) {
				t.Errorf("run returned %v, want an error with %q", err, test.names)
			}
		})
	}
}
