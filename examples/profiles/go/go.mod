module knots.example

go 1.19
