// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
	certmetrics "sigs.k8s.io/controller-runtime/pkg/certwatcher/metrics"

	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

// patience bounds every wait for a state. It is long, so that it only ends a
// test that would fail anyway.
const patience = time.Minute

// pair is a certificate for this machine that has signed itself, and its key.
type pair struct {
	certificate, key []byte // in PEM
	roots            *x509.CertPool
}

func newPair(t *testing.T) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "callbacks"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := pair{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		roots:       x509.NewCertPool(),
	}
	p.roots.AppendCertsFromPEM(p.certificate)
	return p
}

func (p pair) write(t testing.TB, folder string) {
	t.Helper()
	writeFile(t, filepath.Join(folder, certificateFile), p.certificate)
	writeFile(t, filepath.Join(folder, keyFile), p.key)
}

// rename replaces the files with others, as an editor does.
func (p pair) rename(t testing.TB, folder string) {
	t.Helper()
	aside := t.TempDir()
	p.write(t, aside)
	for _, name := range []string{certificateFile, keyFile} {
		if err := os.Rename(filepath.Join(aside, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// project is what the kubelet does for a Secret in a volume: the files are links
// into ..data, which is a link to the current version, and changes as a whole.
func (p pair) project(t testing.TB, folder string) {
	t.Helper()
	version := filepath.Join(folder, "..version-"+rand.Text())
	if err := os.Mkdir(version, 0o700); err != nil {
		t.Fatal(err)
	}
	p.write(t, version)
	data := filepath.Join(folder, "..data")
	before, _ := os.Readlink(data) // there is none the first time
	if err := os.Symlink(filepath.Base(version), data+"_tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(data+"_tmp", data); err != nil {
		t.Fatal(err)
	}
	if before != "" {
		if err := os.RemoveAll(filepath.Join(folder, before)); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range []string{certificateFile, keyFile} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveTLS starts a server with the certificate in the folder that accepts
// everything, until the test ends.
func serveTLS(t *testing.T, folder string) (address string) {
	t.Helper()
	server := NewServer(ServerOptions{
		BindAddress: "127.0.0.1:0", CertificateFolder: folder, Log: (&capture{}).logger(),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { accepted.answer(w) }),
	})
	if server.Ready(nil) == nil {
		t.Error("the server is ready before it was started")
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("Start() = %v, want nil after a clean stop", err)
		}
	})
	listening, err := server.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Ready(nil); err != nil {
		t.Errorf("the server listens and says: %v", err)
	}
	return listening.String()
}

// post sends a request over a new connection, trusting one certificate only.
func (p pair) post(address string) (*http.Response, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Post("https://"+address+attempts.PathPrefix, "application/json", strings.NewReader("{}"))
	if err == nil {
		_ = response.Body.Close()
	}
	return response, err
}

// A certificate that is replaced counts without a restart, whichever way it is
// replaced.
func TestCertificateIsReplaced(t *testing.T) {
	for name, replace := range map[string]func(pair, testing.TB, string){
		"written over":     pair.write,
		"renamed":          pair.rename,
		"a Secret changes": pair.project,
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("", func(t *testing.T) { // which has stopped the server when it returns
				folder := t.TempDir()
				current := newPair(t)
				replace(current, t, folder)
				address := serveTLS(t, folder)
				response, err := current.post(address)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != http.StatusOK || response.ProtoMajor != 1 || response.TLS.Version != tls.VersionTLS13 {
					t.Errorf("the answer is %s %s over %s, want 200 by HTTP/1 and TLS 1.3", response.Proto, response.Status, tls.VersionName(response.TLS.Version))
				}
				for range 2 { // what happens once may not happen again
					former := current
					current = newPair(t)
					replace(current, t, folder)
					NewWithT(t).Eventually(func() error {
						_, err := current.post(address)
						return err
					}).WithTimeout(patience).WithPolling(5 * time.Millisecond).Should(Succeed())
					if _, err := former.post(address); err == nil {
						t.Error("the former certificate is still shown")
					}
				}
			})
		})
	}
}

// A certificate that cannot be used does not take the place of one that can.
func TestSpoiltCertificateIsNotTaken(t *testing.T) {
	folder := t.TempDir()
	good := newPair(t)
	good.write(t, folder)
	address := serveTLS(t, folder)

	before := certificateErrors(t)
	writeFile(t, filepath.Join(folder, certificateFile), good.certificate[:100])
	NewWithT(t).Eventually(func() float64 { return certificateErrors(t) }).WithTimeout(patience).WithPolling(5 * time.Millisecond).Should(BeNumerically(">", before))
	if _, err := good.post(address); err != nil {
		t.Errorf("after a spoilt certificate: %v", err)
	}
}

// certificateErrors is how often a certificate could not be read.
func certificateErrors(t *testing.T) float64 {
	t.Helper()
	var metric dto.Metric
	if err := certmetrics.ReadCertificateErrors.Write(&metric); err != nil {
		t.Fatal(err)
	}
	return metric.GetCounter().GetValue()
}

func TestCertificateThatCannotBeUsed(t *testing.T) {
	good, other := newPair(t), newPair(t)
	for _, tc := range []struct {
		reason  string
		prepare func(folder string) string
		want    string
	}{
		{"no folder", func(folder string) string { return filepath.Join(folder, "none") }, `" is not a folder: mount the Secret`},
		{"a file", func(folder string) string {
			good.write(t, folder)
			return filepath.Join(folder, certificateFile)
		}, `" is not a folder: mount the Secret`},
		{"nothing in the folder", func(folder string) string { return folder }, `" has no file tls.crt: it needs tls.crt and tls.key`},
		{"no key", func(folder string) string {
			writeFile(t, filepath.Join(folder, certificateFile), good.certificate)
			return folder
		}, `" has no file tls.key: it needs tls.crt and tls.key`},
		{"a folder in the place of the key", func(folder string) string {
			writeFile(t, filepath.Join(folder, certificateFile), good.certificate)
			if err := os.Mkdir(filepath.Join(folder, keyFile), 0o700); err != nil {
				t.Fatal(err)
			}
			return folder
		}, `" has a file tls.key that cannot be read: `},
		{"the key of another one", func(folder string) string {
			pair{certificate: good.certificate, key: other.key}.write(t, folder)
			return folder
		}, `" has no certificate in tls.crt that fits the key in tls.key, both in PEM: `},
		{"no PEM", func(folder string) string {
			pair{certificate: []byte("a certificate"), key: good.key}.write(t, folder)
			return folder
		}, `" has no certificate in tls.crt that fits the key in tls.key, both in PEM: `},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			folder := tc.prepare(t.TempDir())
			err := CheckCertificate(folder)
			if err == nil || !strings.Contains(err.Error(), folder+tc.want) {
				t.Errorf("the error is %v, want it to say %q", err, tc.want)
			}
			server := NewServer(ServerOptions{BindAddress: "127.0.0.1:0", CertificateFolder: folder, Log: (&capture{}).logger()})
			if err := server.Start(t.Context()); err == nil || server.Ready(nil) == nil {
				t.Errorf("the server started: %v", err)
			}
		})
	}
}

// What does not come to the end of a handshake is ended, like headers that do
// not come.
func TestHandshakesAreBounded(t *testing.T) {
	folder := t.TempDir()
	newPair(t).write(t, folder)
	address := serveTLS(t, folder)
	for reason, sent := range map[string]string{
		"nothing":             "",
		"half a client hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"plain http":          "POST / HTTP/1.1\r\n\r\n",
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(connection, sent); err != nil {
				t.Fatal(err)
			}
			if answer, err := io.ReadAll(connection); os.IsTimeout(err) {
				t.Errorf("the connection is still open after %s, and %q came", patience, answer)
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	folder := t.TempDir()
	good := newPair(t)
	good.write(t, folder)
	address := serveTLS(t, folder)
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: good.roots, MinVersion: version, MaxVersion: version}}
		connection, err := dialer.DialContext(t.Context(), "tcp", address)
		if got := err == nil; got != want {
			t.Errorf("%s: %v, want %v", tls.VersionName(version), err, want)
		}
		if err == nil {
			_ = connection.Close()
		}
	}
}
