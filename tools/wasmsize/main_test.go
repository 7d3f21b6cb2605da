package main

import (
	"reflect"
	"testing"

	"holdfast/tools/wasmfile"
)

func TestByPackage(t *testing.T) {
	got := byPackage([]wasmfile.Function{
		{Name: "holdfast_jwt.Parse", Size: 3},
		{Name: "holdfast_jwt.__Key_.Verify", Size: 4},
		{Name: "github.com_tidwall_gjson.Parse", Size: 6},
		{Name: "vendor_golang.org_x_crypto_chacha20.New", Size: 5},
		{Name: "memequal", Size: 1},
	})
	want := []packageSize{
		{"holdfast_jwt", 7}, {"github.com_tidwall_gjson", 6}, {"vendor_golang.org_x_crypto_chacha20", 5}, {"(no package)", 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
