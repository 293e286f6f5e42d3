// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bytes"

	"github.com/go-logr/logr"
)

// errorLog takes what net/http logs about connections. It keeps the fact and
// drops the text, which can quote what the other side has sent.
type errorLog struct {
	log logr.Logger
}

// Write takes one message.
func (l errorLog) Write(message []byte) (int, error) {
	if bytes.Contains(message, []byte("Accept error")) {
		l.log.Info("connections for callbacks cannot be accepted; trying again")
	} else {
		l.log.V(1).Info("a connection for callbacks failed")
	}
	return len(message), nil
}
