// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writeCertificate makes a folder with the certificate that httptest has for 127.0.0.1.
func writeCertificate(t *testing.T) (folder string, transport *http.Transport) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	for name, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		"tls.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return folder, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
}

// A process with a certificate becomes ready, and takes callbacks over https
// with it, and over nothing else.
func TestCallbacksOverTLS(t *testing.T) {
	folder, transport := writeCertificate(t)
	defer transport.CloseIdleConnections()
	probes := freeAddress(t)
	m := startManager(t, freeAddress(t), "--callback-cert-path", folder, "--health-probe-bind-address", probes)
	eventually(t, "the process takes callbacks", m.listens)
	eventually(t, "the process is ready", func() bool { return get(t, "http://"+probes+"/readyz") == http.StatusOK })

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+m.address+"/v1/callbacks/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNotFound || response.ContentLength != 0 {
		t.Errorf("a token that is none is answered with %s and %d bytes, want 404 and none", response.Status, response.ContentLength)
	}
	if status := get(t, "http://"+m.address+"/v1/callbacks/x"); status != http.StatusBadRequest {
		t.Errorf("plain http is answered with %d, want 400", status)
	}
}

// A process with a certificate that cannot be used says so and ends.
func TestACertificateThatCannotBeUsedEndsTheProcess(t *testing.T) {
	folder, _ := writeCertificate(t)
	if err := os.WriteFile(filepath.Join(folder, "tls.key"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := startManager(t, freeAddress(t), "--callback-cert-path", folder)
	var exit *exec.ExitError
	if err := <-m.exited; !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the process ended with %v, want 1", err)
	}
	want := `manager: --callback-cert-path "` + folder + `" has no certificate in tls.crt that fits the key in tls.key`
	eventually(t, "the process says why", func() bool { return strings.Contains(m.said(), want) })
}
