package filter

import (
	"testing"

	"holdfast/jwt"
)

// Two ES256 keys (RFC 7515 §A.3 and RFC 9449 §4.1) and one of another kind (RFC 8037 §A.2).
const (
	keyA       = `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	keyB       = `{"kty":"EC","crv":"P-256","kid":"b","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}`
	keyEd25519 = `{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

func parseKeys(t *testing.T, jwks string) *jwt.KeySet {
	t.Helper()
	set, err := jwt.ParseKeySet(`{"keys":[` + jwks + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func findKey(t *testing.T, set *jwt.KeySet, a jwt.Algorithm, id string) *jwt.Key {
	t.Helper()
	key, err := set.Find(jwt.Header{Algorithm: a, KeyID: id, HasKeyID: true})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// steps makes all that there is to make, and returns in how many ticks.
func (t *tables) steps() int {
	for n := 1; ; n++ {
		if !t.step() {
			return n
		}
	}
}

func TestTables_InTheOrderOfUse(t *testing.T) {
	t.Parallel()
	set := parseKeys(t, keyA+","+keyB+","+keyEd25519)
	a, b, ed := findKey(t, set, jwt.ES256, "a"), findKey(t, set, jwt.ES256, "b"), findKey(t, set, jwt.EdDSA, "e")
	source := &keySource{set: set}
	tables := &tables{vm: new(VM), limit: 2}
	if tables.step() || tables.of(a) != (jwt.Tables{}) || tables.vm.builder != nil {
		t.Error("a table is made for nobody")
	}
	if !tables.want(source, b) || tables.want(source, b) || !tables.want(source, a) || tables.want(source, ed) {
		t.Fatal("not each key that can have a table gets one, once")
	}
	for tick := 1; tick < 3*jwt.TableSteps; tick++ {
		if !tables.step() {
			t.Fatalf("nothing more to do after %d ticks", tick)
		}
		generator, ofB := tables.of(ed).Generator, tables.of(b).Key
		if (generator != nil) != (tick >= jwt.TableSteps) || (ofB != nil) != (tick >= 2*jwt.TableSteps) || tables.of(a).Key != nil {
			t.Fatalf("after %d ticks: generator %v, first key %v, second key %v", tick, generator != nil, ofB != nil, tables.of(a).Key != nil)
		}
	}
	if tables.step() || tables.of(a).Key == nil || tables.of(a).Key == tables.of(b).Key || tables.of(ed).Key != nil {
		t.Error("not all tables are complete")
	}
	if tables.step() {
		t.Error("there is more to do when all is done")
	}
}

func TestTables_AreLimited(t *testing.T) {
	t.Parallel()
	set := parseKeys(t, keyA+","+keyB)
	a, b := findKey(t, set, jwt.ES256, "a"), findKey(t, set, jwt.ES256, "b")
	source := &keySource{set: set}
	if none := (&tables{vm: new(VM)}); none.want(source, a) || none.step() {
		t.Error("a table with limits.key_tables 0")
	}
	one := &tables{vm: new(VM), limit: 1}
	if !one.want(source, a) || one.want(source, b) {
		t.Fatal("not exactly one table")
	}
	one.steps()
	if one.of(b).Key != nil || one.of(b).Generator == nil {
		t.Error("the key without a table has one, or lacks the generator's")
	}
	source.set = parseKeys(t, keyB)
	one.keep(source)
	if !one.want(source, findKey(t, source.set, jwt.ES256, "b")) {
		t.Error("the place of a withdrawn key is taken")
	}
}

// TestTables_FollowTheKeySet: a refresh hands the table over, made or half made, and
// ends that of a withdrawn key, in its own source only.
func TestTables_FollowTheKeySet(t *testing.T) {
	t.Parallel()
	set, other := parseKeys(t, keyA+","+keyB), parseKeys(t, keyA)
	source, neighbour := &keySource{set: set}, &keySource{set: other}
	tables := &tables{vm: new(VM), limit: 8}
	tables.want(source, findKey(t, set, jwt.ES256, "a"))
	tables.steps()
	table := tables.of(findKey(t, set, jwt.ES256, "a")).Key
	tables.want(source, findKey(t, set, jwt.ES256, "b"))
	tables.step()

	source.set = parseKeys(t, keyEd25519+","+keyB+","+keyA)
	tables.keep(source)
	if got := tables.of(findKey(t, source.set, jwt.ES256, "a")).Key; got != table || table == nil {
		t.Errorf("table %p in the new set, want %p", got, table)
	}
	if n := tables.steps(); n != jwt.TableSteps-1 {
		t.Errorf("the half made table took %d more ticks, want %d", n, jwt.TableSteps-1)
	}

	source.set = parseKeys(t, keyB)
	tables.keep(neighbour)
	if len(tables.keys) != 2 {
		t.Error("the refresh of one issuer drops the tables of another")
	}
	tables.keep(source)
	if tables.of(findKey(t, other, jwt.ES256, "a")).Key != nil || tables.of(findKey(t, set, jwt.ES256, "b")).Key == nil {
		t.Error("not exactly the withdrawn key's table is gone")
	}
	if !tables.want(neighbour, findKey(t, other, jwt.ES256, "a")) {
		t.Error("a key that another issuer still has gets no table")
	}
}

// TestTables_OneGeneratorForTheVM: the second configuration finds it made.
func TestTables_OneGeneratorForTheVM(t *testing.T) {
	t.Parallel()
	set := parseKeys(t, keyA)
	key, source := findKey(t, set, jwt.ES256, "a"), &keySource{set: set}
	vm := new(VM)
	first, second := &tables{vm: vm, limit: 8}, &tables{vm: vm, limit: 8}
	first.want(source, key)
	second.want(source, key)
	if n := first.steps(); n != 2*jwt.TableSteps {
		t.Errorf("the first took %d ticks, want %d", n, 2*jwt.TableSteps)
	}
	if n := second.steps(); n != jwt.TableSteps {
		t.Errorf("the second took %d ticks, want %d", n, jwt.TableSteps)
	}
	if first.of(key).Generator != second.of(key).Generator || first.of(key).Key == second.of(key).Key {
		t.Error("the generator's table is not shared, or a key's is")
	}
}
