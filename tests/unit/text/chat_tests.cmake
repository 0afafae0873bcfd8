set(CHAT_TESTS
    chat_template_test.cpp
    jinja_bounds_test.cpp
    jinja_expressions_test.cpp
    jinja_statements_test.cpp)
