// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"io"
	"net/http"
)

// UploadFault is how uploads fail. An upload has no prompt that could choose it.
type UploadFault string

const (
	// UploadFaultNone lets uploads succeed. Empty means the same.
	UploadFaultNone UploadFault = "none"
	// UploadFault500 answers HTTP 500.
	UploadFault500 UploadFault = "500"
	// UploadFault401 answers HTTP 401.
	UploadFault401 UploadFault = "401"
	// UploadFaultCode400 answers HTTP 200 with code 400 in the body.
	UploadFaultCode400 UploadFault = "code-400"
	// UploadFaultGarbage answers HTTP 200 with something that is not JSON.
	UploadFaultGarbage UploadFault = "garbage"
	// UploadFaultDrop closes the connection without an answer.
	UploadFaultDrop UploadFault = "drop"
)

// validate returns what is wrong with the value.
func (u UploadFault) validate() error {
	switch u {
	case "", UploadFaultNone, UploadFault500, UploadFault401, UploadFaultCode400, UploadFaultGarbage, UploadFaultDrop:
		return nil
	default:
		return fmt.Errorf("upload fault %q is not known: use none, 500, 401, code-400, garbage or drop", u)
	}
}

// SetUploadFault changes how uploads fail from now on. It panics about a fault that
// does not exist.
func (s *Simulator) SetUploadFault(fault UploadFault) {
	if err := fault.validate(); err != nil {
		panic("kiesim: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.uploadFault = fault
}

// failUpload answers an upload that is to fail, of which nothing is kept, and
// reports whether it did.
func (s *Simulator) failUpload(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	fault := s.ledger.uploadFault
	s.mu.Unlock()
	if fault == "" || fault == UploadFaultNone {
		return false
	}
	// A client that is still sending would see its connection fail, not the answer.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxUploadBytes))
	switch fault {
	case UploadFault500:
		s.refuseUpload(w, http.StatusInternalServerError, answerMessages[http.StatusInternalServerError])
	case UploadFault401:
		s.refuseUpload(w, http.StatusUnauthorized, answerMessages[http.StatusUnauthorized])
	case UploadFaultCode400:
		s.write(w, http.StatusOK, jsonType, refusedUpload(http.StatusBadRequest, "File upload failed"), http.StatusBadRequest)
	case UploadFaultGarbage:
		s.write(w, http.StatusOK, jsonType, []byte("\x00 upstream"), codeOK)
	default:
		s.dropConnection()
	}
	return true
}
