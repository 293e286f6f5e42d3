// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"path"
	"regexp"
	"strings"
	"time"
)

// Lengths of the random part of a name.
const (
	minNameDigits = 8
	maxNameDigits = 12
)

// newFileName returns the name of an upload that brings none: the time in
// milliseconds, random digits and letters, and an extension.
func newFileName(now time.Time, extension string) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	length := minNameDigits + int(randomBelow(maxNameDigits-minNameDigits+1))
	name := make([]byte, length)
	for i := range name {
		name[i] = digits[randomBelow(int64(len(digits)))]
	}
	return fmt.Sprintf("%013d-%s.%s", now.UnixMilli(), name, extension)
}

// randomBelow returns a number from 0 to n-1.
func randomBelow(n int64) int64 {
	number, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // the reader never fails
	}
	return number.Int64()
}

// extensions are the file extensions of media types that have another name.
var extensions = map[string]string{
	"image/jpeg":      "jpg",
	"image/svg+xml":   "svg",
	"text/plain":      "txt",
	"video/quicktime": "mov",
}

var extensionForm = regexp.MustCompile(`^[0-9a-z]{1,5}$`)

// extensionOf returns the extension of a file by the name of where it comes from, or
// else by its media type.
func extensionOf(origin, mediaType string) string {
	_, subtype, _ := strings.Cut(mediaType, "/")
	for _, extension := range []string{
		strings.ToLower(strings.TrimPrefix(path.Ext(origin), ".")), extensions[mediaType], subtype,
	} {
		if extensionForm.MatchString(extension) {
			return extension
		}
	}
	return "bin"
}
