"""What people state and sign: sign-offs, waivers, fixtures, what evidence was made from."""
