// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// What servers of storage demand, do not have, and say.
var storage = []mutant{
	{
		promise: "P3", name: "sends no checksum to servers that demand one",
		file:   "internal/artifact/bucket_s3.go",
		before: "o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)",
		after:  "_ = smithyhttp.AddContentChecksumMiddleware",
		tests:  "TestEveryBodyHasItsChecksum",
	},
	{
		promise: "P3", name: "sends parts where the server says the upload is",
		file:   "internal/artifact/bucket_s3_put.go",
		before: "u := upload{key: key, id: begun.UploadId}",
		after:  "u := upload{key: aws.ToString(begun.Key), id: begun.UploadId}",
		tests:  "TestPartsGoToTheObject",
	},
	{
		promise: "P3", name: "deletes what it has stored when the stamp is refused",
		file:   "internal/artifact/bucket_put.go",
		before: "return b.stillThere(ctx, key, written, metadata)",
		after:  "return err",
		tests:  "TestServersThatDoNotCopy",
	},
	{
		promise: "P5", name: "takes what somebody else has written for its own",
		file:   "internal/artifact/bucket_put.go",
		before: "(found.ETag == written.ETag || ",
		after:  "(found.Size > 0 || ",
		tests:  "TestObjectIsReplacedBeforeItsCopy",
	},
	{
		promise: "P3", name: "does not ask for the encryption that a bucket demands",
		file:   "internal/artifact/bucket_s3.go",
		before: "\t\tServerSideEncryption: b.encryption, SSEKMSKeyId: b.kmsKeyID,\n",
		after:  "",
		tests:  "TestEncryptionIsAskedFor",
	},
	{
		promise: "P3", name: "takes the refusal of a server for its silence",
		file:   "internal/artifact/bucket_error.go",
		before: "\tcase 4:\n\t\treturn refused, true",
		after:  "\tcase 4:\n\t\treturn unavailable, true",
		tests:  "TestReasonOf",
	},
	{
		promise: "P7", name: "shows whatever a server calls its code",
		file:   "internal/artifact/bucket_error.go",
		before: "case !answerCode.MatchString(code):",
		after:  "case code == \"\":",
		tests:  "TestWhatServersSay",
	},
	{
		promise: "P5", name: "removes what another process has stored",
		file:   "internal/artifact/bucket_put.go",
		before: "case found.Metadata[metadataTask] == metadata[metadataTask] &&",
		after:  "case found == nil &&",
		tests:  "TestWhatMakesWayForAFile",
	},
	{
		promise: "P5", name: "gives a name to what another process has swept away",
		file:   "internal/artifact/bucket_file.go",
		before: "_, err := os.Lstat(file.Name())\n\t\treturn err",
		after:  "return nil",
		tests:  "TestARivalTakesNothingAway",
	},
	{
		promise: "P5", name: "stores what another process has let go of",
		file:   "controllers/keep.go",
		before: "if err == io.EOF && !b.isWanted() {",
		after:  "if err == io.EOF && !b.isWanted() && false {",
		tests:  "TestAPausedProcessStoresNothingThatIsGone",
	},
	{
		promise: "P5", name: "throws away what it has downloaded when the API server is away",
		file:   "controllers/keep.go",
		before: "return !apierrors.IsNotFound(err)",
		after:  "return false && apierrors.IsNotFound(err)",
		tests:  "TestAPausedProcessStoresNothingThatIsGone",
	},
}
