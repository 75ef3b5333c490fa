package gate.lib

test_lower_case_changes_the_letters_a_to_z if {
	lower_case("ABCXYZ abc 09-É\u0130ß") == "abcxyz abc 09-É\u0130ß"
	lower_case("") == ""
}

test_upper_case_changes_the_letters_a_to_z if {
	upper_case("abcxyz ABC 09-éß") == "ABCXYZ ABC 09-éß"
	upper_case("") == ""
}

test_every_letter_changes if {
	lower_case("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "abcdefghijklmnopqrstuvwxyz"
	upper_case("abcdefghijklmnopqrstuvwxyz") == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
}
