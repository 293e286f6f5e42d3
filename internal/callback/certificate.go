// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// The files of a certificate, as in a Secret of type kubernetes.io/tls.
const (
	certificateFile = "tls.crt"
	keyFile         = "tls.key"
)

// CheckCertificate says what is wrong with the certificate in a folder, in a
// sentence that begins with the folder; nil for nothing.
func CheckCertificate(folder string) error {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("%q is not a folder: mount the Secret with the certificate there", folder)
	}
	_, err := tls.LoadX509KeyPair(filepath.Join(folder, certificateFile), filepath.Join(folder, keyFile))
	var unread *fs.PathError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &unread):
		return fmt.Errorf("%q has no certificate in %s that fits the key in %s, both in PEM: %w", folder, certificateFile, keyFile, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%q has no file %s: it needs %s and %s, as a Secret of type kubernetes.io/tls has them",
			folder, filepath.Base(unread.Path), certificateFile, keyFile)
	default:
		return fmt.Errorf("%q has a file %s that cannot be read: %w", folder, filepath.Base(unread.Path), unread.Err)
	}
}

// watchCertificate reads the certificate in a folder and returns a watcher that,
// when started, reads it again when it is replaced. A pair that cannot be used, such
// as one that is only half written, does not replace one that can.
func watchCertificate(folder string) (*certwatcher.CertWatcher, error) {
	if err := CheckCertificate(folder); err != nil {
		return nil, err
	}
	return certwatcher.New(filepath.Join(folder, certificateFile), filepath.Join(folder, keyFile))
}

// tlsConfig shows the certificate that was read last. TLS 1.2 is what the
// senders of callbacks, and proxies in front of the operator, are sure to speak.
func tlsConfig(watcher *certwatcher.CertWatcher) *tls.Config {
	return &tls.Config{GetCertificate: watcher.GetCertificate, MinVersion: tls.VersionTLS12}
}
